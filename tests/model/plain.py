"""Conversion of a session to plain values that can be compared, and a check of a session's invariants."""

import dataclasses
from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec
from echo_tui.model.activity import Activity
from echo_tui.model.connection import Connection
from echo_tui.model.connections import CLOSED_KEPT, OPEN_KEPT
from echo_tui.model.event_log import Log
from echo_tui.model.observations import Observation
from echo_tui.model.remembered import State
from echo_tui.session.session import Session

INDEXES = ("by_key", "by_peer", "_of")
"""Attributes that only index connections and stalls; `plain` skips them, as the objects are found elsewhere too."""


PARTS = {Session, *(type(part) for part in vars(Session()).values() if hasattr(part, "__dict__"))}
"""The class `Session` and the classes of its parts."""


def fold(observations: Iterable[Observation]) -> Session:
    """Return the session that results from applying the observations one by one."""
    session = Session()
    for observation in observations:
        session.apply(observation)
    return session


def plain(value: Any) -> Any:
    """Convert a value and everything in it to dicts, lists, tuples and scalars that can be compared."""
    match value:
        case _ if type(value) in PARTS:
            return {name: plain(each) for name, each in vars(value).items() if name not in INDEXES}
        case Connection() | Activity() | Log():
            names = (name for name in type(value).__slots__ if name not in INDEXES)
            return [type(value).__name__, *(plain(getattr(value, name)) for name in names)]
        case msgspec.Struct():
            return [type(value).__name__, *(plain(each) for each in msgspec.structs.astuple(value))]
        case dict():
            return [(key, plain(each)) for key, each in value.items()]
        case list() | deque() | tuple():
            return [plain(each) for each in value]
        case bytearray():
            return {index: count for index, count in enumerate(value) if count}
        case _ if dataclasses.is_dataclass(value):
            return [plain(getattr(value, field.name)) for field in dataclasses.fields(value)]
        case _:
            return value


def check(session: Session) -> None:
    """Assert the invariants of a session, which hold after any observations."""
    connections, closed = session.connections, session.connections.closed
    assert all(number == c.number and not c.closed_at for number, c in connections.items())
    assert all(c.closed_at and c.state is State.CLOSED and not c.pending_since for c in closed)
    assert all(session.thread_blocked_since(c) == 0 for c in closed)
    assert len({id(c) for c in (*connections.values(), *closed)}) == len(connections) + len(closed)
    keys = [c.key for c in connections.values() if c.key]
    assert len(set(keys)) == len(keys)

    served = {(c.pid, c.tid, c.number) for c in connections.values() if c.accepted_at}
    assert {(*key, number) for key, worker in session.workers.items() for number in worker.serving} == served
    assert all(connections[n] is c for worker in session.workers.values() for n, c in worker.serving.items())
    assert all(worker.serving or worker.announced for worker in session.workers.values())

    assert session.clients.opening == sum(1 for client in session.clients.values() if client.opening_since)
    assert set(session.blocks.running) <= set(keys)
    assert all(span.connection in connections and not span.end for span in session.blocks.running.values())
    running = list(session.blocks.running.values())
    assert all(span in running for span in session.blocks.by_thread.values())
    assert all(span.end or span in running for span in session.blocks.spans)

    assert len(closed) <= CLOSED_KEPT
    assert len(connections) <= OPEN_KEPT
