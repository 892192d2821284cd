"""Who watches: the session, the observers that feed it, the clients, and the screen."""
