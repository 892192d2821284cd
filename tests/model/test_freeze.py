"""A snapshot of a session equals the session at that time, and never changes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import is_dataclass
from enum import Enum
from types import FunctionType, NoneType

import msgspec
from echo_tui.diagnosis.stall import Stall
from echo_tui.model.observations import Observation
from echo_tui.session.session import Session
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.model.plain import check, fold, plain
from tests.model.scene import PID, loop
from tests.model.streams import World, anything, worlds


@given(st.one_of(anything, worlds("lost").map(lambda world: world.said)), st.integers(0, 60))
def test_snapshot_does_not_change_with_the_live_session(stream: list[Observation], when: int) -> None:
    live = fold(stream[:when])
    still = live.snapshot()
    frozen = plain(still)
    assert frozen == plain(live)
    check(still)
    live.apply_all(stream[when:])
    live.apply_all(stream)
    assert plain(still) == frozen
    assert {still.thread_blocked_since(c) for c in still.connections.closed} <= {0}


@given(worlds("lost"))
def test_snapshot_shares_no_connection(world: World) -> None:
    live = fold(world.said)
    still = live.snapshot()
    mine = {id(c) for c in every_connection(still)}
    assert not mine & {id(c) for c in every_connection(live)}
    for worker in still.workers.values():
        assert {id(c) for c in worker.serving.values()} <= {id(c) for c in still.connections.values()}
    for client in still.clients.values():
        if client.connection and not client.connection.closed_at:
            assert client.connection is still.connections[client.connection.number]


@settings(max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking takes minutes
@given(st.one_of(anything, worlds("lost").map(lambda world: world.said)))
def test_snapshot_shares_no_mutable_object(stream: list[Observation]) -> None:
    live = fold(stream)
    assert not shared(live, live.snapshot())


def test_later_connection_is_not_in_the_snapshot() -> None:
    scene, _ = loop()
    scene.does(PID, "epoll_wait")
    scene.passes(100)
    still = scene.session.snapshot()
    assert not shared(scene.session, still)
    before = set(still.connections.peers)
    scene.accepts(77)
    scene.passes(100)
    assert set(scene.session.connections.peers) > before
    assert set(still.connections.peers) == before


def shared(live: Session, still: Session) -> list[str]:
    """Return the paths of the mutable objects that belong to both sessions."""
    mine = dict(mutable(still, "frozen"))
    return [path for number, path in mutable(live, "live") if number in mine]


def mutable(root: object, name: str) -> Iterator[tuple[int, str]]:
    """Yield the id and the path of each mutable object in an object graph.

    Observations and closed stalls are left out, because they never change.
    """
    seen, waiting = set[int](), [(root, name)]
    while waiting:
        item, path = waiting.pop()
        if id(item) in seen or isinstance(item, FIXED) or (isinstance(item, Stall) and item.end):
            continue
        seen.add(id(item))
        if not isinstance(item, tuple | frozenset) and not _is_frozen(item):
            yield id(item), path
        waiting += [(part, f"{path}.{key}") for key, part in parts(item)]


def _is_frozen(item: object) -> bool:
    return is_dataclass(item) and bool(vars(type(item))["__dataclass_params__"].frozen)


FIXED = (int, str, float, bytes, bool, NoneType, Enum, msgspec.Struct, type, FunctionType)


def parts(item: object) -> list[tuple[object, object]]:
    if isinstance(item, Mapping):
        return list(item.items())
    if isinstance(item, Collection):
        return list(enumerate(item))
    names = {
        *getattr(item, "__dict__", ()),
        *(n for kind in type(item).__mro__ for n in getattr(kind, "__slots__", ())),
    }
    return [(each, getattr(item, each)) for each in names if hasattr(item, each)]


def every_connection(session: Session) -> list[object]:
    served = [c for worker in session.workers.values() for c in worker.serving.values()]
    of_clients = [client.connection for client in session.clients.values() if client.connection]
    return [*session.connections.values(), *session.connections.closed, *served, *of_clients]


def test_snapshot_includes_waits_below_the_threshold() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[0]: 5}
    scene.passes(100)
    assert scene.stalls == []
    still = scene.session.snapshot()
    frozen = plain(still)
    assert frozen == plain(scene.session)
    scene.passes(500)
    assert plain(still) == frozen
