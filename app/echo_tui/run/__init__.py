"""One run of a server: what is started and read, joined into one session."""
