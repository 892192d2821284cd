"""What is watched: one echo server for each pattern. Runs in a child process; imports nothing of `app`."""
