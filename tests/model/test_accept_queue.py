"""What samples of the sockets do to a session: connections in the accept queue, and bytes that wait."""

from echo_servers.records import New
from echo_tui.model.evidence import Socket
from echo_tui.model.observations import (
    ServerExited,
    SocketSample,
)
from echo_tui.model.remembered import State

from tests.model.opening import NEW, OPENED, PEER, STARTED, S
from tests.model.plain import fold


def queued(second: int, *peers: str) -> SocketSample:
    return SocketSample(second * S, len(peers), 128, 0, [], [Socket(peer, 0, 0, accepted=False) for peer in peers])


def test_socket_sample_shows_queue_and_unread_bytes() -> None:
    session = fold([STARTED, *OPENED, NEW])
    (connection,) = session.connections.values()
    assert session.server
    assert (session.server.queue, connection.unread) == (None, 0)
    session.apply(
        SocketSample(5 * S, 3, 128, 0, [], [Socket(PEER, 12, 34, accepted=True), Socket("x", 5, 0, accepted=True)])
    )
    assert (session.server.queue, session.server.queue_limit) == (3, 128)
    assert (connection.unread, connection.unsent) == (12, 34)
    assert len(session.connections) == 1, "no unreported connection is opened"
    changes = session.changes
    session.apply(SocketSample(6 * S, 0, 128, 0, [], []))
    assert session.changes != changes
    assert (connection.unread, connection.unsent, session.server.queue) == (0, 0, 0)


def test_external_client_in_the_accept_queue() -> None:
    session = fold([STARTED, queued(2, "127.0.0.1:5001", "127.0.0.1:5002")])
    first, second = session.connections.values()
    assert [first.state, second.state, first.pending_since] == [State.QUEUED, State.QUEUED, 2 * S]
    session.apply_all([New(3 * S, 7, 7, 1, "127.0.0.1:5001"), queued(4)])
    assert (first.state, second.state) == (State.QUIET, State.QUEUED), "perhaps accepted, and not reported yet"
    session.apply(queued(5))
    assert second.state is State.CLOSED
    assert list(session.connections.values()) == [first]


def test_our_own_clients_in_the_accept_queue_are_known() -> None:
    session = fold([STARTED, *OPENED, queued(3, PEER)])
    assert len(session.connections) == 1
    session.apply_all([queued(4), queued(5)])
    (connection,) = session.connections.values()
    assert connection.state is State.QUEUED, "our client's record is newer"


def test_sample_after_server_exit_opens_no_connection() -> None:
    session = fold([STARTED, ServerExited(2 * S, 7, 0, True), queued(3, "127.0.0.1:5001")])
    assert not session.connections


def test_missed_queue_entries_do_not_accumulate() -> None:
    session = fold([STARTED])
    for number in range(1, 101):
        peer = f"127.0.0.1:{number}"
        session.apply_all([queued(2, peer), queued(2), New(3 * S, 7, 7, number, peer)])
    assert len(session.sockets._missed) <= 1
