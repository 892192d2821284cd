"""What watching a foreign server costs: its throughput with and without a watcher, and the watcher's CPU."""

import contextlib
import importlib.util
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from tests.bench.figures import DidNotWork, Effort, Figure, Goal, Section
from tests.bench.load import MESSAGE, SIZE, Many, connect
from tests.bench.machine import HOST
from tests.ports import free_port

TITLE = "Servers attached to, against the same ones left alone"
PATTERNS = ("multithread", "asyncio", "process-loops")
CLIENTS = 8
PAIRS = 20
SETTLE, BEGINS = 0.05, 3.0
"""Seconds to wait after each change, and for the watcher to start."""
REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
APP = """
async def asgi(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})

def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]
"""
LISTENER = """
import asyncio, sys, threading
for _ in range(40):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
async def main():
    port = int(sys.argv[1])
    server = await asyncio.start_server(lambda reader, writer: reader.read(), "127.0.0.1", port, backlog=500)
    async with server:
        await server.serve_forever()
asyncio.run(main())
"""
CONNECTIONS = 2000


class Requests(Many):
    """Several clients with one request each in flight; all replies have the same length."""

    def __init__(self, clients: list[socket.socket], message: bytes, size: int) -> None:
        self.MESSAGE, self.SIZE = message, size
        super().__init__(clients)


def measure(effort: Effort) -> Section:
    """Measure some of our patterns, and uvicorn and gunicorn if they are installed."""
    section = Section(TITLE)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bench_app.py").write_text(APP, encoding="utf-8")
        for name, line in _servers(section, folder):
            port = free_port()
            try:
                with running([*line, str(port)] if line[-1].endswith("port") else [*line, f"{HOST}:{port}"]):
                    section.add(_figure(name, port, effort, http=name not in PATTERNS))
            except (DidNotWork, OSError) as failure:
                section.failures.append(f"{name}: {failure}")
    section.add(_watcher_cpu(effort))
    return section


def _servers(section: Section, folder: str) -> Iterator[tuple[str, list[str]]]:
    for name in PATTERNS:
        yield name, [sys.executable, "-P", "-m", "echo_servers", name, "--host", HOST, "--port"]
    installed = {name for name in ("uvicorn", "gunicorn") if importlib.util.find_spec(name)}
    if "uvicorn" in installed:
        line = [sys.executable, "-m", "uvicorn", "bench_app:asgi", "--app-dir", folder, "--no-access-log"]
        yield "uvicorn", [*line, "--log-level", "error", "--timeout-keep-alive", "75", "--port"]
    if "gunicorn" in installed:
        line = [sys.executable, "-m", "gunicorn", "bench_app:wsgi", "--chdir", folder, "-k", "gthread"]
        yield "gunicorn", [*line, "--keep-alive", "75", "-b"]
    if missing := {"uvicorn", "gunicorn"} - installed:
        section.notes.append(f"Not installed, so not measured: {', '.join(sorted(missing))}.")


@contextlib.contextmanager
def running(line: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process; kill it and its children at the end."""
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            for each in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()


@contextlib.contextmanager
def watcher(port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `echo-tui watch` and wait until it has started."""
    with running([sys.executable, "-P", "-m", "echo_tui", "watch", f":{port}", "--json"]) as process:
        time.sleep(BEGINS)
        if process.poll() is not None:
            raise DidNotWork(f"the watcher has ended with {process.returncode}")
        yield process


def _figure(name: str, port: int, effort: Effort, http: bool) -> Figure:
    clients = [connect(port) for _ in range(CLIENTS)]
    message, size = (REQUEST, _length(clients[0])) if http else (MESSAGE, SIZE)
    load = Requests(clients, message, size)
    ratios, alone = [], []
    with watcher(port) as watching:
        for _ in range(effort.rounds * PAIRS):
            watching.send_signal(signal.SIGSTOP)
            alone.append(_rate(load, effort))
            watching.send_signal(signal.SIGCONT)
            ratios.append(_rate(load, effort) / alone[-1])
    for client in clients:
        client.close()
    note = f"{statistics.median(alone):,.0f} replies/s alone"
    return Figure(f"{name}, {CLIENTS} clients", "attached / alone", ratios, Goal(0.97, least=True), note)


def _rate(load: Many, effort: Effort) -> float:
    """Return the replies per second."""
    load.run(time.monotonic() + SETTLE)
    before, begun = sum(load.echoes.values()), time.monotonic()
    load.run(begun + effort.seconds(0.25, 0.15))
    return (sum(load.echoes.values()) - before) / (time.monotonic() - begun)


def _length(client: socket.socket) -> int:
    """Return the length of a reply, including its head."""
    client.sendall(REQUEST)
    head, _, body = client.recv(65536).partition(b"\r\n\r\n")
    while len(body) < len(b"hello"):
        body += client.recv(65536)
    return len(head) + 4 + len(body)


def _watcher_cpu(effort: Effort) -> Figure:
    """Return the CPU of a watcher of a server with many idle connections and threads."""
    port = free_port()
    with running([sys.executable, "-c", LISTENER, str(port)]), contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.enter_context(connect(port))
        with watcher(port) as process:
            shares = [psutil.Process(process.pid).cpu_percent(effort.seconds(5.0, 2.0)) for _ in range(effort.rounds)]
    name = f"{CONNECTIONS:,} idle connections, 40 threads"
    return Figure(name, "% of a core, the watcher", shares, Goal(3.0))
