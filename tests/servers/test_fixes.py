"""The recommended patterns: other clients are served and accepted while a blocking call runs elsewhere."""

import os
import signal
import socket

import psutil
import pytest
from echo_servers.block import KINDS, BlockSetting
from echo_servers.catalog import BY_NAME, PATTERNS
from echo_servers.fixes import MOST, fix, promise, workers_for
from echo_servers.pattern import PROCESS
from echo_servers.records import Block, New, Note, Recv, Send, Unblock
from echo_servers.workers import THREADS, cores

from tests.crossed import seldom, seldom_cases
from tests.servers.harness import POOLS, SERVING, Running, Starter, eventually
from tests.servers.talk import ask, close, is_silent

MOVED = {(name, kind) for name in SERVING for kind in BY_NAME[name].moves}
CURES = {(found.pattern, kind) for pattern in PATTERNS for kind in KINDS if (found := fix(pattern, kind))}
SPARED = sorted(MOVED | CURES)
"""Patterns and kinds of block that delay nobody but the sender."""
LONG = 60
WORKERS = 2


def held(server: Running, kind: str) -> tuple[socket.socket, Block]:
    """Let a client trigger a block; return the client and the block that has begun."""
    server.page.arm(BlockSetting(kind, LONG))
    sender = server.connect()
    sender.sendall(b"hold me")
    block = server.until(Block)[0]
    server.page.arm(None)
    return sender, block


def one_too_many(server: Running, kind: str) -> tuple[list[socket.socket], list[Block]]:
    """Let one client more than there are workers trigger a block; return all of them and the blocks that have begun."""
    server.page.arm(BlockSetting(kind, LONG))
    senders = server.clients(WORKERS + 1)
    for sender in senders:
        sender.sendall(b"hold me")
    blocks = server.until(Block, WORKERS)
    server.page.arm(None)
    return senders, blocks


@pytest.mark.parametrize(("pattern", "kind"), seldom_cases(SPARED, *SPARED[:4]))
def test_other_clients_are_served_and_accepted_during_a_block(start: Starter, pattern: str, kind: str) -> None:
    server = start(pattern, "--workers", "3")
    before = server.connect()
    ask(before)
    sender, _ = held(server, kind)
    after = server.connect()
    for _ in range(3):
        ask(before)
        ask(after)
    assert is_silent(sender)
    assert not server.events.of(Unblock)
    told = [record for record in server.events.records if isinstance(record, Recv | Block)]
    block = next(place for place, record in enumerate(told) if isinstance(record, Block))
    assert "hold me" in [record.head for record in told[:block] if isinstance(record, Recv)], "reported before"
    close([before, sender, after])


@pytest.mark.parametrize(("pattern", "kind"), seldom_cases(SPARED, *SPARED[:4]))
def test_block_has_its_length_and_its_end_is_reported_at_once(start: Starter, pattern: str, kind: str) -> None:
    server = start(pattern, "--workers", str(WORKERS))
    server.page.arm(BlockSetting(kind, 0.1))
    with server.connect() as client:
        ask(client)
        (block,), (unblock,) = server.until(Block), server.until(Unblock)
        assert (block.kind, block.seconds, block.conn) == (kind, 0.1, unblock.conn)
        assert unblock.at - block.at >= 0.1e9
        assert (block.pid, block.tid) == (unblock.pid, unblock.tid)
        (new,), (recv,), (send,) = server.until(New), server.until(Recv), server.until(Send)
        assert new.at <= recv.at <= block.at <= unblock.at <= send.at
        order = [type(record) for record in server.events.records]
        assert order.index(Recv) < order.index(Block) < order.index(Unblock) < order.index(Send)


@pytest.mark.parametrize("pattern", ["asyncio-to-thread", "eventlet-tpool"])
@pytest.mark.parametrize("kind", ["sleep", "c-call"])
def test_blocks_run_in_as_many_threads_as_configured(start: Starter, pattern: str, kind: str) -> None:
    server = start(pattern, "--workers", str(WORKERS))
    senders, blocks = one_too_many(server, kind)
    loop = {new.tid for new in server.until(New, WORKERS + 1)}
    asleep = {block.tid for block in blocks}
    assert loop == {server.process.pid}
    assert len(asleep) == WORKERS
    assert not asleep & loop
    assert not any(block.cooperative for block in blocks)
    assert asleep <= {thread.id for thread in psutil.Process(server.process.pid).threads()}
    with server.connect() as other:
        ask(other)
    assert len(server.events.of(Block)) == WORKERS, "the last client waits for a thread"
    close(senders)


@pytest.mark.parametrize("kind", seldom(KINDS, "c-gil"))
def test_simultaneous_blocks_use_a_process_each(start: Starter, kind: str) -> None:
    server = start("asyncio-processes", "--workers", str(WORKERS))
    senders, blocks = one_too_many(server, kind)
    assert {(block.pid, block.cooperative) for block in blocks} == {(server.process.pid, True)}
    helpers = psutil.Process(server.process.pid).children()
    assert len(helpers) == WORKERS
    if kind == "cpu":
        eventually(lambda: all(sum(helper.cpu_times()[:2]) > 0.2 for helper in helpers), "each of them computes")
    with server.connect() as other:
        ask(other)
    assert len(server.events.of(Block)) == WORKERS, "the last client waits for a process"
    close(senders)


@pytest.mark.parametrize("kind", seldom(KINDS, "c-call"))
def test_killed_server_leaves_no_helper_process(start: Starter, kind: str) -> None:
    server = start("asyncio-processes", "--workers", str(WORKERS))
    helpers = psutil.Process(server.process.pid).children()
    held(server, kind)
    server.process.kill()
    assert server.ended() == -signal.SIGKILL
    eventually(lambda: not any(helper.is_running() for helper in helpers), "none is left")
    assert server.err.to_the_end() == ""


def test_killed_helper_is_reported_and_the_last_one_ends_the_server(start: Starter) -> None:
    server = start("asyncio-processes", "--workers", "2")
    server.page.arm(BlockSetting("sleep", LONG))
    idle, busy = server.clients(2)
    busy.sendall(b"hold me")
    server.until(Block)
    server.page.arm(None)
    first, second = sorted(psutil.Process(server.process.pid).children(), key=lambda helper: helper.pid)
    os.kill(first.pid, signal.SIGKILL)
    assert f"process {first.pid}, has died: SIGKILL" in server.until(Note)[0].text
    assert busy.recv(10) == b"hold me", "the call ended with its process"
    server.page.arm(BlockSetting("sleep", 0.01))
    for _ in range(3):
        ask(idle)
    os.kill(second.pid, signal.SIGKILL)
    assert server.ended() == 1
    assert server.err.to_the_end() == "every worker has died\n"
    close([idle, busy])


def test_no_fix_for_blocks_that_affect_nobody_else() -> None:
    for name in ("process-pool", "asyncio-processes"):
        assert not any(fix(BY_NAME[name], kind) for kind in KINDS)
    for name in ("multithread", "thread-pool", "process-thread-pool", "asyncio-to-thread", "eventlet-tpool"):
        assert not fix(BY_NAME[name], "sleep")
        assert not fix(BY_NAME[name], "c-call")
    assert not fix(BY_NAME["eventlet"], "sleep")
    assert not any(fix(pattern, kind) for pattern in PATTERNS if not pattern.serves for kind in KINDS)


def test_recommended_patterns() -> None:
    wanted = {
        ("asyncio", "sleep"): "asyncio-to-thread",
        ("asyncio-blocking", "c-call"): "asyncio-to-thread",
        ("select-loop", "sleep"): "asyncio-to-thread",
        ("asyncio-streams", "cpu"): "asyncio-processes",
        ("asyncio-to-thread", "c-gil"): "asyncio-processes",
        ("eventlet", "c-call"): "eventlet-tpool",
        ("eventlet-tpool", "cpu"): "asyncio-processes",
        ("single-thread", "sleep"): "multithread",
        ("busy-loop", "c-gil"): "process-pool",
        ("multithread", "c-gil"): "process-pool",
        ("thread-pool", "cpu"): "process-pool",
    }
    for (name, kind), expected in wanted.items():
        found = fix(BY_NAME[name], kind)
        assert found
        assert found.pattern == expected
        assert found.why.endswith(".")
    for pattern in PATTERNS:
        for kind in KINDS:
            if found := fix(pattern, kind):
                assert fix(BY_NAME[found.pattern], kind) is None, "a recommended pattern needs no fix"


def test_fix_starts_with_a_worker_for_each_client_and_one_more() -> None:
    pool, helpers = BY_NAME["process-pool"], BY_NAME["asyncio-processes"]
    for pattern in (pool, helpers):
        counts = [workers_for(pattern, clients, 2) for clients in (0, 1, 4, MOST - 1, MOST, 500)]
        assert counts == [2, 2, 5, MOST, MOST, MOST]
        assert workers_for(pattern, 4, 50) == 50, "a larger number that was requested is kept"
        assert workers_for(pattern, 0, None) == cores()
    for name in ("asyncio-to-thread", "eventlet-tpool"):
        assert [workers_for(BY_NAME[name], clients, None) for clients in (6, 12)] == [THREADS, 13]
        assert workers_for(BY_NAME[name], 6, 2) == 7
    for name in ("multithread", "process-loops", "process-thread-pool", "eventlet", "single-thread"):
        assert workers_for(BY_NAME[name], 4, None) is None, "no worker per client in this pattern"
    for pattern in (pool, helpers):
        assert promise(pattern, 5, 4) == "With 5 processes: one for each client, and one more."
        assert promise(pattern, 8, 4) == "With 8 processes: one for each client, and more."
    assert promise(pool, MOST, 40) == "With 32 processes, one for a client: 8 of 40 clients will wait."
    assert promise(pool, MOST, MOST) == "With 32 processes: one for each client, and a newcomer will wait."
    assert promise(helpers, MOST, 40) == "With 32 processes, one for a call: 8 of 40 clients will wait if all send."
    threads = BY_NAME["asyncio-to-thread"]
    assert promise(threads, 7, 7) == "With 7 threads: one for each client, and a newcomer will wait if all send."


def test_every_serving_pattern_declares_what_serves() -> None:
    for pattern in PATTERNS:
        assert bool(pattern.serves_in) == pattern.serves
        assert bool(pattern.moves) == bool(pattern.moves_to)
        assert set(pattern.moves) <= set(KINDS)
    assert {name for name in POOLS if BY_NAME[name].serves_in == PROCESS} == {"process-pool"}
