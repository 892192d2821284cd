"""How fast it is: `python -m tests.bench` measures, prints one table, and writes JSON. It judges nothing."""
