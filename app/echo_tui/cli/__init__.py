"""The command `echo-tui`: one module a command, joined in `main`; Textual is imported for the dashboard only."""
