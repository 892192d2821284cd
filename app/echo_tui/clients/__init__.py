"""Echo clients: all of them live in one process of their own, so that no screen disturbs their clocks."""
