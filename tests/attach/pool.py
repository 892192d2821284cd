"""A server whose main thread accepts and passes clients to a pool of two threads; started as `python pool.py PORT`."""

import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

SECONDS = 1.5


def query_database() -> None:
    time.sleep(SECONDS)


def serve(client: socket.socket) -> None:
    with client:
        while data := client.recv(100):
            if data == b"go\n":
                query_database()
            client.sendall(data)


if __name__ == "__main__":
    pool = ThreadPoolExecutor(2)
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
        while True:
            accepted, _ = listener.accept()
            pool.submit(serve, accepted)
