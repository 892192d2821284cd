"""A frozen session is the session of that moment, and stays so."""

from hypothesis import given
from hypothesis import strategies as st

from app.session.freeze import snapshot
from app.session.observations import Observation
from app.session.session import Session
from tests.session.plain import check, fold, plain
from tests.session.scene import PID, loop
from tests.session.streams import World, anything, worlds


@given(st.one_of(anything, worlds("lost").map(lambda world: world.said)), st.integers(0, 60))
def test_a_frozen_session_stands_still_while_the_live_one_goes_on(stream: list[Observation], when: int) -> None:
    live = fold(stream[:when])
    still = snapshot(live)
    frozen = plain(still)
    assert frozen == plain(live)
    check(still)
    live.apply_all(stream[when:])
    live.apply_all(stream)
    assert plain(still) == frozen
    assert {still.held_since(c) for c in still.closed} <= {0}


@given(worlds("lost"))
def test_a_frozen_session_shares_nothing_that_changes(world: World) -> None:
    live = fold(world.said)
    still = snapshot(live)
    mine = {id(c) for c in every_connection(still)}
    assert not mine & {id(c) for c in every_connection(live)}
    for worker in still.workers.values():
        assert {id(c) for c in worker.serving.values()} <= {id(c) for c in still.connections.values()}
    for client in still.clients.values():
        if client.connection and not client.connection.closed_at:
            assert client.connection is still.connections[client.connection.number]


def every_connection(session: Session) -> list[object]:
    served = [c for worker in session.workers.values() for c in worker.serving.values()]
    of_clients = [client.connection for client in session.clients.values() if client.connection]
    return [*session.connections.values(), *session.closed, *served, *of_clients]


def test_a_wait_that_is_not_a_stall_yet_is_in_the_picture_too() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[0]: 5}
    scene.passes(100)
    assert scene.stalls == []
    still = snapshot(scene.session)
    frozen = plain(still)
    assert frozen == plain(scene.session)
    scene.passes(500)
    assert plain(still) == frozen
