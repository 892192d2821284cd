"""One file for each pattern: the architecture and nothing else."""
