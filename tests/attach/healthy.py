"""Healthy servers of several architectures that answer lines; started as `python healthy.py PORT KIND`."""

import asyncio
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor


def work(line: bytes) -> None:
    """Compute for 5 ms on `work`; sleep for 50 ms on `slow`."""
    if line.startswith(b"work"):
        end = time.thread_time() + 0.005
        while time.thread_time() < end:
            pass
    elif line.startswith(b"slow"):
        time.sleep(0.05)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        if line.startswith(b"poll"):
            await asyncio.sleep(1)
        elif line.startswith(b"slow"):
            await asyncio.sleep(0.05)
        else:
            work(line)
        writer.write(line)
        await writer.drain()
    writer.close()


async def loop(port: int) -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def talk(connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as lines:
        for line in lines:
            if line.startswith(b"poll"):
                time.sleep(1)
            work(line)
            connection.sendall(line)


def main(port: int, kind: str) -> None:
    if kind == "loop":
        asyncio.run(loop(port))
    pool = ThreadPoolExecutor(20)
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            connection, _ = listener.accept()
            if kind == "pool":
                pool.submit(talk, connection)
            else:
                threading.Thread(target=talk, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
