"""A session as text for people and as data for programs."""
