"""Properties of a session that hold for every stream of observations."""

import random
from itertools import pairwise

import pytest
from echo_servers.records import New, Recv, ServerRecord
from echo_tui.model.connections import OPEN_KEPT
from echo_tui.model.observations import (
    DECODER,
    ENCODER,
    ClientClosed,
    ClientConnected,
    ClientEcho,
    ClientOpening,
    ClientSent,
    Observation,
    ServerExited,
    ServerStarted,
)
from echo_tui.model.remembered import State
from echo_tui.session.session import APPLY, Session
from hypothesis import given
from hypothesis import strategies as st

from tests.model.plain import check, fold, plain
from tests.model.streams import KINDS, TICK, World, anything, worlds

OURS = (ClientOpening, ClientConnected, ClientSent, ClientEcho, ClientClosed)


@given(worlds("lost"))
def test_totals_match_the_stream(world: World) -> None:
    totals, counts = fold(world.said).totals, world.counts
    for name in ("new", "bye", "recv", "recv_bytes", "send", "send_bytes"):
        assert getattr(totals, name) == getattr(counts, name)
    assert totals.lost == counts.events


@given(worlds())
def test_open_connections_match_the_stream(world: World) -> None:
    session = fold(world.said)
    assert len(session.connections) == session.totals.new - session.totals.bye == len(world.open)
    found = {
        (c.key, c.peer, c.tid, c.client, c.recv_bytes, c.send_bytes, c.state is State.LEFT)
        for c in session.connections.values()
    }
    assert found == {((t.pid, t.conn), t.peer, t.tid, t.client, t.recv_bytes, t.send_bytes, t.left) for t in world.open}
    assert {c.peer for c in session.connections.closed} == {t.peer for t in world.over}


@given(worlds())
def test_waiting_connections_are_those_without_an_echo(world: World) -> None:
    session = fold(world.said)
    waiting = {c.peer for c in session.connections.values() if c.state is State.WAITING}
    assert waiting == {t.peer for t in world.open if (t.to_echo or t.asked_at) and not t.left}
    assert {s.connection for s in session.blocks.running.values()} == {
        c.number for c in session.connections.values() for t in world.open if t.blocked and c.peer == t.peer
    }
    assert session.clients.opening == 0
    assert not any(
        session.is_external(c, c.opened_at + 60_000_000_000) is not (c.client is None)
        for c in session.connections.values()
    )


@given(worlds("lost"))
def test_invariants_hold_after_every_observation(world: World) -> None:
    session = Session()
    for observation in world.said:
        session.apply(observation)
        check(session)


@given(anything)
def test_invariants_hold_for_a_hostile_server(stream: list[Observation]) -> None:
    session = Session()
    for observation in stream:
        session.apply(observation)
        check(session)
        assert session.changes == session.changes
        session.resources.worst_lag(1000 * TICK)
        for connection in session.connections.values():
            session.thread_blocked_since(connection)
            session.is_external(connection, 1000 * TICK)


@given(st.one_of(anything, worlds("lost").map(lambda world: world.said)), st.integers(0, 60))
def test_server_exit_leaves_nothing_open(stream: list[Observation], when: int) -> None:
    end = ServerExited(10**6 * TICK, 1, -9, False)
    session = fold([ServerStarted(1, "asyncio", 1, "127.0.0.1", 37564), *stream[:when], end])
    assert not session.connections
    assert not session.workers
    assert not session.blocks.running
    assert not session.blocks.by_thread
    assert all(span.end for span in session.blocks.spans)
    check(session)
    for observation in stream[when:]:
        # Our clients detect the end a little later, and leave nothing behind either.
        if isinstance(observation, OURS):
            session.apply(observation)
    for number, client in session.clients.items():
        session.apply(ClientClosed(10**6 * TICK, number, "server-closed"))
        assert client.connection is None or client.connection.state is State.CLOSED
    assert session.clients.opening == 0
    check(session)


@given(worlds(), st.randoms(use_true_random=False))
def test_interleaving_of_sources_does_not_matter(world: World, chance: random.Random) -> None:
    """Observations of our clients and of each server process stay in order; their interleaving does not matter."""
    assert summary(fold(world.said)) == summary(fold(shuffled(world.said, chance)))


def shuffled(said: list[Observation], chance: random.Random) -> list[Observation]:
    """Return the observations interleaved at random, those of each source (our clients, each process) in order."""
    voices: dict[int, list[Observation]] = {}
    for observation in said:
        speaker = observation.pid if isinstance(observation, ServerRecord) else 0
        voices.setdefault(speaker, []).append(observation)
    mixed: list[Observation] = []
    while voices:
        speaker = chance.choice(list(voices))
        run = chance.randint(1, 40)
        mixed += voices[speaker][:run]
        voices[speaker] = voices[speaker][run:]
        if not voices[speaker]:
            del voices[speaker]
    return mixed


def summary(session: Session) -> object:
    """Return what a session knows of its connections and clients, without the numbers that it gave to connections."""
    connections = [
        (c.peer, c.key, c.client, c.state, c.recv, c.recv_bytes, c.send, c.send_bytes, c.pid, c.tid, c.closed_at)
        for c in (*session.connections.values(), *session.connections.closed)
    ]
    clients = [
        (n, c.connection.peer if c.connection else "", c.ended, c.sent, c.echoed) for n, c in session.clients.items()
    ]
    return sorted(connections), sorted(clients), plain(session.totals), session.clients.opening


@given(st.one_of(anything, worlds("lost").map(lambda world: world.said)), st.lists(st.integers(0, 60)))
def test_folding_in_batches_equals_folding_one_by_one(stream: list[Observation], cuts: list[int]) -> None:
    session = Session()
    edges = [0, *sorted(cuts), len(stream)]
    for begin, end in pairwise(edges):
        session.apply_all(stream[begin:end])
    assert plain(session) == plain(fold(stream))


@given(anything)
def test_json_round_trip_preserves_a_stream(stream: list[Observation]) -> None:
    assert DECODER.decode_lines(ENCODER.encode_lines(stream)) == stream
    assert plain(fold(DECODER.decode(ENCODER.encode(each)) for each in stream)) == plain(fold(stream))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_observation_has_a_handler(kind: type) -> None:
    assert kind in APPLY


def test_number_of_open_connections_is_bounded() -> None:
    """If a server never sends `Bye`, the oldest connections beyond `OPEN_KEPT` are dropped."""
    session = Session()
    session.apply_all(New(at, 1, 1, at, f"10.0.0.1:{at}") for at in range(1, OPEN_KEPT + 1001))
    session.apply_all(Recv(at, 1, 1, at, 1, "x") for at in range(1, 101))
    check(session)
    assert len(session.connections) == OPEN_KEPT
    assert next(iter(session.connections)) > 1000
