"""What a session knows of our clients' reading and sending, of a flood, and of the growth of processes."""

from echo_servers.records import Listening
from echo_tui.model.observations import (
    ClientClosed,
    ClientConnected,
    ClientManners,
    ClientOpening,
    Flooding,
    ProcessSample,
)
from echo_tui.model.remembered import State
from echo_tui.session.session import Session

from tests.model.scene import PID, Scene

PEER = "127.0.0.1:6001"


def test_client_reads_and_sends_again_after_each_connect() -> None:
    session = Session()
    session.apply_all([ClientOpening(1, 7), ClientConnected(2, 7, PEER)])
    client = session.clients[7]
    assert (client.reading, client.sending) == (True, True)
    session.apply(ClientManners(3, 7, False, False))
    still = session.snapshot()
    assert (client.reading, client.sending) == (False, False)
    session.apply_all([ClientClosed(4, 7, "server-closed"), ClientOpening(5, 7)])
    assert (client.reading, client.sending) == (True, True)
    assert not still.clients[7].reading


def test_peers_of_a_flood_are_kept_until_the_next_flood() -> None:
    session = Session()
    session.apply_all([Flooding(1, 2, []), Flooding(2, 2, [PEER])])
    assert (session.clients.flood.count, session.clients.flood.peers) == (2, {PEER})
    still = session.snapshot()
    session.apply(Flooding(3, 0, []))
    assert (session.clients.flood.count, session.clients.flood.peers) == (0, {PEER})
    session.apply(Flooding(4, 5, []))
    assert (session.clients.flood.count, session.clients.flood.peers) == (5, set())
    assert (still.clients.flood.count, still.clients.flood.peers) == (2, {PEER})


def test_queued_connections_stop_waiting_after_a_flood() -> None:
    """The kernel may still have its connections in the accept queue."""
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


def test_process_growth_is_measured_after_listening() -> None:
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
