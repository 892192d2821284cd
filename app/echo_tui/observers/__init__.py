"""Where observations come from: the child and its pipes, and its CPU and memory. No Textual."""
