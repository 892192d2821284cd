"""Who suffers: for each pattern and kind of block, what the others feel while one client's message blocks."""
