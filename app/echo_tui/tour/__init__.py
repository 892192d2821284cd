"""Pure: what to do with each pattern, step by step, and how a session shows that it was done."""
