"""Sources of evidence: the server's child process and its pipes, the kernel, stacks and resources. No Textual."""
