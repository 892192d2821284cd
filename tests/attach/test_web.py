"""Web frameworks: an ASGI application under uvicorn, and a WSGI application under gunicorn."""

import importlib.util
import sys
import time

import pytest

from tests.attach.conftest import Start, Watch
from tests.attach.watching import Peer

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="a foreign server is seen by the kernel's evidence"),
    pytest.mark.skipif(
        not (importlib.util.find_spec("uvicorn") and importlib.util.find_spec("gunicorn")), reason="not installed"
    ),
]


def get(peer: Peer, path: str) -> None:
    peer.say(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())


def test_blocking_call_in_a_uvicorn_coroutine(start: Start, watch: Watch) -> None:
    server = start("web.py", "uvicorn")
    first, *others = (Peer(server.port) for _ in range(3))
    for peer in (first, *others):
        get(peer, "/")
        peer.hear()
    watched = watch(f":{server.port}", "--stall-after", "200")
    watched.until(lambda line: line["type"] == "worker")
    get(first, "/export")
    time.sleep(0.1)
    for peer in others:
        get(peer, "/")
    stall = watched.until(lambda line: line["type"] == "stall" and (line["culprit"] or {}).get("function"))
    for peer in others:
        peer.hear()
    assert (stall["cause"], stall["culprit"]["function"]) == ("blocked", "export_report")
    assert stall["culprit"]["file"].endswith("attach/web.py")
    assert {peer.name for peer in others} <= {victim["peer"] for victim in watched.stall("closed")["victims"]}


def test_blocked_only_worker_of_gunicorn(start: Start, watch: Watch) -> None:
    server = start("web.py", "gunicorn")
    watched = watch(f":{server.port}", "--stall-after", "200")
    warm = Peer(server.port)
    get(warm, "/")
    warm.hear()
    warm.close()  # this worker waits until its client closes too
    watched.until(lambda line: line["type"] == "worker")
    first, other = Peer(server.port), Peer(server.port)
    get(first, "/export")
    time.sleep(0.1)
    get(other, "/")
    stall = watched.until(lambda line: line["type"] == "stall" and (line["culprit"] or {}).get("function"))
    first.hear()
    first.close()
    other.hear()
    assert stall["culprit"]["pid"] != server.pid, "not the master process"
    assert stall["culprit"]["function"] == "export_report"
    victims = {victim["peer"]: victim["kind"] for victim in watched.stall("closed")["victims"]}
    assert victims[other.name] == "not-accepted"


def test_one_blocked_thread_of_gunicorn_is_no_stall(start: Start, watch: Watch) -> None:
    server = start("web.py", "gunicorn-threads")
    first, *others = (Peer(server.port) for _ in range(3))
    for peer in (first, *others):
        get(peer, "/")
        peer.hear()
    watched = watch(f":{server.port}", "--stall-after", "200")
    watched.until(lambda line: line["type"] == "worker")
    get(first, "/export")
    for _ in range(5):
        for peer in others:
            get(peer, "/")
            peer.hear()
    first.hear()
    assert not watched.stalls()
