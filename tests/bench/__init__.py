"""Benchmarks: `python -m tests.bench` measures, prints one table and writes JSON. Missed goals do not fail."""
