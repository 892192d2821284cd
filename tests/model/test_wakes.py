"""How many loops a connection wakes."""

from echo_servers.records import Lost, New, Wakes
from echo_tui.model.evidence import Frame
from echo_tui.session.session import Session

from tests.model.scene import PID, Scene


def test_wakes_per_connection() -> None:
    session = Session()
    assert session.totals.wakes_each is None
    session.apply(New(1, 7, 7, 1, "127.0.0.1:5001"))
    assert session.totals.wakes_each is None, "wakes are not counted"
    session.apply(Wakes(2, 7, 7, 0))
    session.apply(Wakes(2, 8, 8, 0))
    assert session.totals.wakes_each == 1
    session.apply(Wakes(3, 8, 8, 2))
    session.apply(New(4, 8, 8, 1, "127.0.0.1:5002"))
    assert session.totals.wakes_each == 2
    session.apply(Lost(5, 8, 8, 3, wakes=4))
    assert session.totals.wakes_each == 4


def test_no_average_without_a_connection() -> None:
    session = Session()
    session.apply(Wakes(2, 7, 7, 5))
    assert session.totals.wakes_each is None


def test_stack_samples_do_not_count_as_wakes() -> None:
    scene = Scene("poll")
    scene.say(Wakes(scene.now, PID, PID, 0))
    scene.accepts(1)
    scene.passes(100)
    scene.stacks(PID, Frame("/lib/python3/selectors.py", 1, "select"))
    scene.say(Wakes(scene.now, PID, PID, 1))
    assert scene.session.totals.wakes_each == 1
    scene.say(Wakes(scene.now, PID, PID, 1))
    assert scene.session.totals.wakes_each == 2, "plus a useless wake"
    scene.does(PID, "")
    scene.passes(100, running=PID)
    scene.stacks(PID, Frame("/x/handler.py", 1, "computes"))
    scene.say(Wakes(scene.now, PID, PID, 1))
    assert scene.session.totals.wakes_each == 3, "a stack sample wakes no computing thread"
