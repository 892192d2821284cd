"""What our clients do with their connections, and the flood, as the session knows them."""

from echo_servers.records import Listening
from echo_tui.model.connection import State
from echo_tui.model.observations import (
    ClientClosed,
    ClientConnected,
    ClientManners,
    ClientOpening,
    Flooding,
    ProcessSample,
)
from echo_tui.model.session import Session

from tests.model.scene import PID, Scene

PEER = "127.0.0.1:6001"


def test_a_client_is_polite_from_each_connection_on_until_it_says_otherwise() -> None:
    session = Session()
    session.apply_all([ClientOpening(1, 7), ClientConnected(2, 7, PEER)])
    client = session.clients[7]
    assert (client.reading, client.sending) == (True, True)
    session.apply(ClientManners(3, 7, False, False))
    still = session.snapshot()
    assert (client.reading, client.sending) == (False, False)
    session.apply_all([ClientClosed(4, 7, "server closed"), ClientOpening(5, 7)])
    assert (client.reading, client.sending) == (True, True)
    assert not still.clients[7].reading


def test_a_flood_is_counted_until_it_is_over_and_its_peers_are_known_until_the_next() -> None:
    session = Session()
    session.apply_all([Flooding(1, 2, []), Flooding(2, 2, [PEER])])
    assert (session.clients.flood.count, session.clients.flood.peers) == (2, {PEER})
    still = session.snapshot()
    session.apply(Flooding(3, 0, []))
    assert (session.clients.flood.count, session.clients.flood.peers) == (0, {PEER})
    session.apply(Flooding(4, 5, []))
    assert (session.clients.flood.count, session.clients.flood.peers) == (5, set())
    assert (still.clients.flood.count, still.clients.flood.peers) == (2, {PEER})


def test_nobody_waits_in_the_queue_any_more_when_a_flood_is_over() -> None:
    """Whatever the kernel keeps of it there."""
    scene = Scene("accept", "recv")
    scene.does(PID, "recvfrom", scene.accepts(1))
    scene.queued = [PEER]
    scene.say(Flooding(scene.now, 1, [PEER]))
    scene.passes(300)
    assert scene.session.stalls.going
    scene.say(Flooding(scene.now, 0, []))
    scene.passes(100)
    (flooded,) = (c for c in scene.session.connections.values() if c.peer == PEER)
    assert (flooded.state, flooded.pending_since) == (State.LEFT, 0)
    assert not scene.session.stalls.going


def test_a_process_has_grown_since_the_server_listens() -> None:
    session = Session()

    def sample(at: int, rss: int) -> None:
        session.apply(ProcessSample(at, 9, 1, None, rss, 1, None, None))

    sample(1, 5_000_000)
    session.apply(Listening(2, 9, 9, "127.0.0.1", 1, 128))
    assert session.resources.processes[9].growth == 0
    sample(3, 20_000_000)
    assert session.resources.processes[9].growth == 0
    sample(4, 50_000_000)
    assert session.resources.processes[9].growth == 30_000_000
    sample(5, 10_000_000)
    assert session.resources.processes[9].growth == 0
