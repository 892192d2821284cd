"""A web application under uvicorn or gunicorn; started as `python web.py PORT KIND`.

`/export` makes a call that blocks for 1.2 s.
"""

import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

SECONDS = 1.2
Message = dict[str, Any]


def export_report() -> None:
    time.sleep(SECONDS)


async def asgi(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Any]) -> None:
    if scope["type"] == "http":
        if scope["path"] == "/export":
            export_report()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


def wsgi(environ: Message, start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/export":
        export_report()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


if __name__ == "__main__":
    port, kind = sys.argv[1:]
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    lines = {
        "uvicorn": ["uvicorn", "web:asgi", "--port", port, "--log-level", "error"],
        "gunicorn": ["gunicorn", "web:wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "1"],
        "gunicorn-threads": [
            "gunicorn",
            "web:wsgi",
            "-b",
            f"127.0.0.1:{port}",
            "-k",
            "gthread",
            "--threads",
            "4",
            "--keep-alive",
            "60",
        ],
    }
    os.execv(sys.executable, [sys.executable, "-m", *lines[kind]])
