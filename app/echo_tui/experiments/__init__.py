"""The isolation matrix: how a blocking call by one client affects the others, for each pattern and kind of block."""
