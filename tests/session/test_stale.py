"""What was true once, or came late, or was never asked, makes no stall, no victim and no number on screen."""

from app.session.connection import State
from app.session.observations import (
    Socket,
    SocketSample,
)
from servers.records import Listening
from tests.session.scene import LOOK, MS, PID, Scene, loop

LISTENING = Listening(1000 * MS, PID, PID, "127.0.0.1", 1, 128)


def look(scene: Scene, *sockets: Socket) -> None:
    """A look at the sockets alone, with what was asked for in it."""
    scene.now += LOOK * MS
    queue = sum(not socket.accepted for socket in sockets)
    scene.say(SocketSample(scene.now, queue, 128, 0, [], list(sockets)))


def test_of_many_whom_a_loop_has_accepted_and_not_greeted_none_has_left_the_queue() -> None:
    """A flood that a loop accepts in one turn, before another block: only some of them can be asked for at a look."""
    scene, _ = loop()
    scene.say(LISTENING)
    peers = [f"127.0.0.1:{6000 + number}" for number in range(100)]
    scene.does(PID, "clock_nanosleep")
    scene.passes(50)
    look(scene, *(Socket(peer, 0, 0, False) for peer in peers))
    for _ in range(20):  # now they are accepted, and silent: the kernel tells of those that are asked for
        asked = list(scene.session.wanted)[:32]
        look(scene, *(Socket(peer, 0, 0, True, 500, 0) for peer in asked if peer in peers))
    assert [c.state for c in scene.session.connections.values()].count(State.QUEUED) == 100
    assert not scene.session.closed
    gone = set(peers[40:])
    for _ in range(20):
        asked = list(scene.session.wanted)[:32]
        look(scene, *(Socket(peer, 0, 0, True, 500, 0) for peer in asked if peer not in gone))
    assert {c.peer for c in scene.session.closed} == gone, "those have left"
