"""`echo-tui watch TARGET` on foreign servers: victims, cause and line, compared with the clients' own clock."""

import contextlib
import os
import resource
import signal
import sys
import time

import pytest

from tests.attach.conftest import Start, Watch
from tests.attach.watching import Foreign, Peer, Watched
from tests.crossed import seldom

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a foreign server is seen by the kernel's evidence")

CAUSES = {
    "sleep": ("blocked", "wait_for_export"),
    "compute": ("computing", "compute_report"),
    "spin": ("spinning", "poll_mailbox"),
    "upstream": ("upstream", "ask_upstream"),
    "lock": ("lock", "take_lock"),
    "log": ("pipe-full", "write_log"),
    "child": ("child-process", "run_child"),
}
CLOSE = 0.25
"""Tolerance (s) of a stall's begin: samples of a foreign server are up to 100 ms apart."""


@pytest.mark.parametrize("kind", seldom(CAUSES, "sleep", "compute", "spin", "lock"))
def test_blocked_loop_has_victims_cause_and_line(start: Start, watch: Watch, kind: str) -> None:
    server = start("app.py", kind)
    first, *others = (Peer(server.port) for _ in range(3))
    for peer in (first, *others):
        peer.talk()
    watched = watch(f":{server.port}", "--stall-after", "200")
    watched.until(lambda line: line["type"] == "worker")
    first.say(b"go\n")
    time.sleep(0.1)  # until the handler blocks: before that, the loop would read the others
    for peer in others:
        peer.say(b"hello\n")
    located = watched.until(lambda line: line["type"] == "stall" and (line["culprit"] or {}).get("function"))
    for peer in (*others, first):
        peer.hear()
    closed = watched.stall("closed")
    cause, function = CAUSES[kind]
    assert closed["cause"] in (cause, "no-core" if kind in ("compute", "spin") else cause)
    assert located["culprit"]["function"] == closed["culprit"]["function"] == function
    assert located["culprit"]["file"].endswith("attach/app.py")
    assert closed["culprit"]["pid"] == server.pid
    victims = {victim["peer"]: victim for victim in closed["victims"]}
    assert {peer.name for peer in others} <= victims.keys() <= {first.name, *(peer.name for peer in others)}
    assert all(victims[peer.name]["kind"] == "unread" for peer in others)
    assert abs(closed["begin"] - others[0].sent_at) / 1e9 < CLOSE
    assert not closed["injected"]
    if kind == "log":
        assert closed["culprit"]["other"].endswith(" sleep")
    if kind == "upstream":
        assert closed["culprit"]["other"].startswith("127.0.0.1:")


def test_lock_held_by_nobody_after_a_fork(start: Start, watch: Watch) -> None:
    server = start("forked.py")
    first, other = Peer(server.port), Peer(server.port)
    first.talk()
    other.talk()
    watched = watch(f":{server.port}", "--stall-after", "200")
    watched.until(lambda line: line["type"] == "worker")
    first.say(b"go\n")
    time.sleep(0.1)
    other.say(b"hello\n")
    stall = watched.until(lambda line: line["type"] == "stall" and (line["culprit"] or {}).get("function"))
    assert (stall["cause"], stall["culprit"]["function"]) == ("lock-held-by-nobody", "take_lock")
    assert stall["culprit"]["pid"] != server.pid
    assert other.name in {victim["peer"] for victim in stall["victims"]}


def test_loop_that_waits_for_a_silent_client(start: Start, watch: Watch) -> None:
    server = start("handshake.py")
    others = [Peer(server.port), Peer(server.port)]
    for peer in others:
        peer.talk()
    watched = watch(f":{server.port}", "--stall-after", "200")
    watched.until(lambda line: line["type"] == "worker")
    for peer in others:
        peer.talk()
    silent = Peer(server.port)
    time.sleep(0.2)
    for peer in others:
        peer.say(b"hello\n")
    stall = watched.until(lambda line: line["type"] == "stall" and (line["culprit"] or {}).get("function"))
    silent.talk()
    for peer in others:
        peer.hear()
    closed = watched.stall("closed")
    assert (closed["cause"], stall["culprit"]["function"]) == ("silent-client", "shake_hands")
    assert closed["culprit"]["other"] == silent.name
    assert {victim["peer"] for victim in closed["victims"]} == {peer.name for peer in others}


def test_one_client_at_a_time_is_attributed_to_the_architecture(start: Start, watch: Watch) -> None:
    server = start("one_by_one.py")
    silent = Peer(server.port)
    watched = watch(f"127.0.0.1:{server.port}", "--stall-after", "200")
    watched.until(lambda line: line["type"] == "worker")
    late = Peer(server.port)
    late.say(b"hello\n")
    opened = watched.stall("opened")
    silent.close()
    late.hear()
    closed = watched.stall("closed")
    assert [victim["peer"] for victim in opened["victims"]] == [late.name]
    assert [victim["kind"] for victim in closed["victims"]] == ["not-accepted"]
    assert (closed["cause"], closed["attribution"]) == ("one-client", "architecture")


def test_exhausted_pool_shows_the_line_of_its_threads(start: Start, watch: Watch) -> None:
    server = start("pool.py")
    busy, late = [Peer(server.port), Peer(server.port)], Peer(server.port)
    watched = watch(f":{server.port}", "--stall-after", "200")
    watched.until(lambda line: line["type"] == "worker")
    for peer in busy:
        peer.talk()

    def served() -> set[int]:
        """Return the connections whose serving thread is known."""
        return {
            line["conn"] for line in watched.lines if line["type"] in ("new", "serve") and line["tid"] != server.pid
        }

    watched.until(lambda line: len(served()) >= 2)
    for peer in busy:
        peer.say(b"go\n")
    time.sleep(0.1)
    late.say(b"hello\n")
    stall = watched.until(lambda line: line["type"] == "stall" and (line["culprit"] or {}).get("function"))
    assert (stall["cause"], stall["attribution"]) == ("all-workers-busy", "architecture"), stall
    assert [victim["peer"] for victim in stall["victims"]] == [late.name]
    assert stall["culprit"]["function"] == "query_database"
    for peer in busy:
        peer.hear()
        peer.close()
    late.hear()
    watched.stall("closed")


def test_clients_stay_queued_without_descriptors(start: Start, watch: Watch) -> None:
    server = start("app.py", "sleep")
    watched = watch(f":{server.port}", "--stall-after", "200")
    watched.until(lambda line: line["type"] == "worker")
    used = len(os.listdir(f"/proc/{server.pid}/fd"))
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (used, 4096))
    late = Peer(server.port)
    late.say(b"hello\n")
    stall = watched.until(lambda line: line["type"] == "stall" and line["cause"] == "out-of-descriptors")
    assert [victim["peer"] for victim in stall["victims"]] == [late.name]
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (used + 8, 4096))
    late.hear()
    watched.stall("closed")


def test_server_stopped_by_a_signal(start: Start, watch: Watch) -> None:
    server = start("app.py", "sleep")
    peer = Peer(server.port)
    peer.talk()
    watched = watch(str(server.pid))
    watched.until(lambda line: line["type"] == "new")
    os.kill(server.pid, signal.SIGSTOP)
    try:
        peer.say(b"hello\n")
        watched.until(lambda line: line["type"] == "stall" and line["cause"] == "stopped")
    finally:
        os.kill(server.pid, signal.SIGCONT)
    peer.hear()
    watched.stall("closed")


def test_healthy_server_has_no_stall_and_gets_no_signal(start: Start, watch: Watch) -> None:
    server = start("app.py", "sleep")
    watched = watch(f":{server.port}", "--for", "3s")
    idle = [Peer(server.port) for _ in range(20)]
    speaker = Peer(server.port)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        speaker.talk()
        time.sleep(0.01)
    assert watched.process.wait(30) == 0
    watched.until(lambda line: line["type"] == "summary")
    assert not watched.stalls()
    assert is_alive(server)
    for peer in (*idle, speaker):
        peer.close()


@pytest.mark.slow
def test_saturated_server_with_unread_bytes_has_no_stall(start: Start, watch: Watch) -> None:
    """Clients send without waiting for echoes, so there are always unread bytes; the server keeps writing."""
    server = start("app.py", "sleep")
    watched = watch(f":{server.port}", "--for", "4s", "--stall-after", "300")
    senders = [Peer(server.port) for _ in range(3)]
    end = time.monotonic() + 2.5
    for peer in senders:
        peer.sock.setblocking(False)
    while time.monotonic() < end:
        for peer in senders:
            with contextlib.suppress(BlockingIOError):
                peer.sock.send(b"hello\n" * 2000)
            with contextlib.suppress(BlockingIOError):
                peer.sock.recv(1 << 20)
    for peer in senders:
        peer.close()
    assert watched.process.wait(30) in (0, 3)
    watched.until(lambda line: line["type"] == "summary")
    assert not [stall for stall in watched.stalls() if stall["cause"] != "no-core"]


def test_end_of_the_target_has_its_own_exit_code(start: Start, watch: Watch) -> None:
    server = start("app.py", "sleep")
    watched = watch(str(server.pid))
    os.kill(server.pid, signal.SIGKILL)
    assert watched.process.wait(30) == 5
    assert "has ended" in said(watched)


def test_stall_has_no_line_without_stacks(start: Start, watch: Watch) -> None:
    server = start("app.py", "sleep")
    first, other = Peer(server.port), Peer(server.port)
    first.talk()
    other.talk()
    watched = watch(f":{server.port}", "--stacks", "off")
    watched.until(lambda line: line["type"] == "worker")
    first.say(b"go\n")
    time.sleep(0.1)
    other.say(b"hello\n")
    other.hear()
    closed = watched.stall("closed")
    assert (closed["cause"], closed["culprit"]["file"]) == ("blocked", None)
    assert closed["culprit"]["call"] == "clock_nanosleep"


def is_alive(server: Foreign) -> bool:
    os.kill(server.pid, 0)
    return True


def said(watched: Watched) -> str:
    assert watched.process.stderr
    return watched.process.stderr.read()
