"""Recordings and streams: what they contain, what is left out, and that a replay equals the run."""
