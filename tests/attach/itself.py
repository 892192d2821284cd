"""A threaded server whose pool of two threads waits for itself; started as `python itself.py PORT [another]`.

Each connection has a thread that submits its lines to the pool. On `go` a thread of the pool submits part of the work
to the same pool and waits for the result: two such lines at once deadlock, because no thread is left. With a second
argument, that part goes to another pool, whose only thread needs a second for it.
"""

import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

POOL = ThreadPoolExecutor(2)
OTHER = ThreadPoolExecutor(1)
PARTS = OTHER if sys.argv[2:] else POOL
BOTH = threading.Barrier(2)


def load_part() -> bytes:
    if PARTS is OTHER:
        time.sleep(1.0)
    return b"part\n"


def answer(conn: socket.socket, line: bytes) -> None:
    conn.sendall(make_page() if line == b"go\n" else line)


def make_page() -> bytes:
    BOTH.wait()
    return PARTS.submit(load_part).result()


def serve(conn: socket.socket) -> None:
    with conn, conn.makefile("rb") as lines:
        for line in lines:
            POOL.submit(answer, conn, line).result()


with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=100) as listener:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
