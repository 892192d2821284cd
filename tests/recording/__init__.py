"""Recordings and streams: what is written, what is left out, and that a replay equals the run."""
