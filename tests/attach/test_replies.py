"""Pending replies are a finding; they are a stall only if an exhausted pool explains them."""

import sys
import time

import pytest

from tests.attach.conftest import Start, Watch
from tests.attach.watching import Peer, Watched

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a foreign server is seen by the kernel's evidence")


def watched_with_peers(start: Start, watch: Watch, count: int, *server: str) -> tuple[Watched, list[Peer]]:
    """Start a server, let `count` clients exchange a line with it, and watch it."""
    port = start(*server).port
    peers = [Peer(port) for _ in range(count)]
    for peer in peers:
        peer.talk()
    watched = watch(f":{port}", "--stall-after", "200")
    watched.until(lambda line: line["type"] == "worker")
    return watched, peers


def test_exhausted_pool_of_an_event_loop(start: Start, watch: Watch) -> None:
    watched, peers = watched_with_peers(start, watch, 6, "executor.py")
    for peer in peers[:5]:
        peer.say(b"go\n")
        time.sleep(0.02)
    stall = watched.until(lambda line: line["type"] == "stall" and (line["culprit"] or {}).get("function"))
    peers[5].talk()  # the loop itself still serves
    assert stall["cause"] == "all-helpers-busy", stall
    assert stall["attribution"] == "architecture"
    assert stall["culprit"]["function"] == "query_database"
    assert {victim["peer"] for victim in stall["victims"]} == {peer.name for peer in peers[3:5]}
    assert {victim["kind"] for victim in stall["victims"]} == {"no-reply"}
    for peer in peers[:5]:
        peer.hear()
    watched.stall("closed")


def test_long_polls_are_pending_but_no_victims(start: Start, watch: Watch) -> None:
    server = start("executor.py")
    peers = [Peer(server.port) for _ in range(8)]
    watched = watch(f":{server.port}", "--stall-after", "500")  # a busy machine may keep the loop from running for less
    watched.until(lambda line: line["type"] == "worker")
    for _ in range(2):
        for peer in peers:
            peer.say(b"poll\n")
        line = watched.until(lambda line: line["type"] == "pending" and line["count"] == len(peers))
        assert {each["peer"] for each in line["waiting"]} == {peer.name for peer in peers}
        assert {each["kind"] for each in line["waiting"]} == {"no-reply"}
        for peer in peers:
            peer.hear()
    watched.until(lambda line: line["type"] == "pending" and line["count"] == 0)
    stalls = watched.stalls()
    kinds = {victim["kind"] for stall in stalls for victim in stall["victims"]}
    assert "no-reply" not in kinds, stalls


def test_pool_that_waits_for_itself(start: Start, watch: Watch) -> None:
    watched, peers = watched_with_peers(start, watch, 3, "itself.py")
    peers[0].say(b"go\n")
    peers[1].say(b"go\n")
    time.sleep(0.3)
    peers[2].say(b"hello\n")
    stall = watched.until(lambda line: line["type"] == "stall" and len(line["victims"]) == 3)
    assert (stall["cause"], stall["attribution"]) == ("pool-waits-for-itself", "architecture"), stall
    assert stall["culprit"]["function"] == "make_page"
    assert {victim["peer"] for victim in stall["victims"]} == {peer.name for peer in peers}
    assert set(stall["clues"][0].split(":")[:1]) == {"pool-waits-for-itself"}


def test_pool_that_waits_for_another_pool(start: Start, watch: Watch) -> None:
    watched, peers = watched_with_peers(start, watch, 3, "itself.py", "another")
    peers[0].say(b"go\n")
    peers[1].say(b"go\n")
    for peer in peers[:2]:
        peer.hear()
    assert not watched.stalls()


def test_pool_that_waits_for_the_loop(start: Start, watch: Watch) -> None:
    watched, peers = watched_with_peers(start, watch, 3, "executor.py")
    for peer in peers:
        peer.say(b"ask\n")
    for peer in peers:
        peer.hear()
    assert not watched.stalls(), "the loop provides the results"
