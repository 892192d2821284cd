"""The watched side: one echo server for each pattern. Runs in a child process and imports nothing of `echo_tui`."""
