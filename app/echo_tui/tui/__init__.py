"""The screen: it reads a session and never writes one."""
