"""A small server like those that users write, with several kinds of blocking calls: `python app.py PORT KIND`.

The asyncio server echoes lines. On the line `go` its handler calls the function for KIND, which blocks for 1.2 s.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

SECONDS = 1.2


def wait_for_export() -> None:
    time.sleep(SECONDS)


def compute_report() -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        pass


def ask_upstream() -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, socket.create_connection(silent.getsockname()) as upstream:
        upstream.settimeout(SECONDS)
        with contextlib.suppress(TimeoutError):
            upstream.recv(1)


def poll_mailbox() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    end = time.monotonic() + 2 * SECONDS
    with ours, theirs:
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                ours.recv(1)


def take_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=SECONDS)


def run_child() -> None:
    os.system(f"sleep {SECONDS}")


def write_log() -> None:
    with subprocess.Popen(["sleep", str(SECONDS)], stdin=subprocess.PIPE) as reader:
        assert reader.stdin
        with contextlib.suppress(BrokenPipeError):
            os.write(reader.stdin.fileno(), bytes(1_000_000))


KINDS = {
    "sleep": wait_for_export,
    "compute": compute_report,
    "spin": poll_mailbox,
    "upstream": ask_upstream,
    "lock": take_lock,
    "child": run_child,
    "log": write_log,
}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        if line == b"go\n":
            KINDS[sys.argv[2]]()
        writer.write(line)
        await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
