"""A threaded server whose pool of two threads waits for itself; started as `python itself.py PORT [another]`.

A thread accepts and hands each connection's lines to the pool. At `go` a thread of the pool hands a part of the work to
the same pool, and waits for it: two at once wait for ever, because no thread is left. With a second argument the part
goes to another pool, whose one thread takes a second for it.
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
