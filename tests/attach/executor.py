"""An asyncio server with a pool of three threads; started as `python executor.py PORT`.

On `go` a thread of the pool runs a database query, which takes 1.2 s. On `poll` a coroutine waits for the same time.
On `ask` a thread of the pool waits for a coroutine of the loop, which is legitimate.
"""

import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor

SECONDS = 1.2
POOL = ThreadPoolExecutor(3)


def query_database() -> None:
    time.sleep(SECONDS)


def ask_the_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.run_coroutine_threadsafe(asyncio.sleep(SECONDS), loop).result()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        if line == b"go\n":
            await asyncio.get_running_loop().run_in_executor(POOL, query_database)
        elif line == b"ask\n":
            await asyncio.get_running_loop().run_in_executor(POOL, ask_the_loop, asyncio.get_running_loop())
        elif line == b"poll\n":
            await asyncio.sleep(SECONDS)
        writer.write(line)
        await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
