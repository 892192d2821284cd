"""The command `echo-tui`: one module for each subcommand; only the dashboard imports Textual."""
