"""A select loop that waits for the first bytes of each client it accepts; started as `python handshake.py PORT`.

A TLS handshake inside accept has the same effect.
"""

import selectors
import socket
import sys


def shake_hands(connection: socket.socket) -> None:
    connection.sendall(connection.recv(100))


def main() -> None:
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            ready = key.fileobj
            assert isinstance(ready, socket.socket)
            if ready is listener:
                connection, _ = listener.accept()
                shake_hands(connection)
                selector.register(connection, selectors.EVENT_READ)
            elif data := ready.recv(100):
                ready.sendall(data)
            else:
                selector.unregister(ready)
                ready.close()


if __name__ == "__main__":
    main()
