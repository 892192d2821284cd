"""Pure: the observations, and the state folded from them. No I/O, no Textual, no psutil."""
