"""The pictures of README and docs, drawn from the recordings in the repository."""
