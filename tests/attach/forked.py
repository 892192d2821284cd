"""A server whose worker was forked while another thread held a lock; started as `python forked.py PORT`.

On `go` the worker acquires that lock, which no thread of its process can release.
"""

import asyncio
import ctypes
import os
import signal
import sys
import threading

LOCK = threading.Lock()
PR_SET_PDEATHSIG = 1


def take_lock() -> None:
    with LOCK:
        pass


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        if line == b"go\n":
            take_lock()
        writer.write(line)
        await writer.drain()


async def work() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    held = threading.Event()

    def hold() -> None:
        with LOCK:
            held.set()
            threading.Event().wait()

    threading.Thread(target=hold, daemon=True).start()
    held.wait()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        asyncio.run(work())
    os.wait()
