"""Runs: the sources of one session, and the driver that polls them."""
