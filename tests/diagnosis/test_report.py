"""Stall reports of a session that is fed with observations."""

from echo_servers.records import Block, Recv, Unblock
from echo_tui.diagnosis.report import StallReport, StallReporter
from echo_tui.model.evidence import Frame

from tests.model.scene import MS, PID, loop


class Watched:
    """A scene whose stalls are reported after each step."""

    def __init__(self) -> None:
        self.scene, self.peers = loop()
        self.reporter = StallReporter()

    def passes(self, ms: int, running: int = 0) -> list[StallReport]:
        found: list[StallReport] = []
        for _ in range(0, ms, 50):
            self.scene.passes(50, running)
            found += self.report()
        return found

    def report(self) -> list[StallReport]:
        return list(self.reporter.report(self.scene.stalls, self.scene.now))


def held() -> Watched:
    watched = Watched()
    scene = watched.scene
    scene.does(PID, "clock_nanosleep")
    scene.unread = {watched.peers[0]: 5}
    return watched


def test_opened_located_and_closed_are_reported_once_each() -> None:
    watched = held()
    assert [each.event for each in watched.passes(300)] == ["opened"]
    watched.scene.stacks(PID, Frame("/x/app.py", 21, "wait_for_export"))
    (located,) = watched.passes(100)
    assert located.event == "located"
    assert located.culprit
    where = ("/x/app.py", 21, "wait_for_export")
    assert (located.culprit.file, located.culprit.line, located.culprit.function) == where
    assert located.culprit.stack == [where]
    assert (located.cause, located.attribution, located.injected, located.end) == ("blocked", "thread", False, None)
    assert [(v.peer, v.kind, v.end) for v in located.victims] == [(watched.peers[0], "unread", None)]
    watched.scene.unread = {}
    watched.scene.reads(1)
    watched.scene.does(PID, "epoll_wait")
    (closed,) = watched.passes(100)
    assert closed.event == "closed"
    assert closed.end
    assert closed.id == located.id
    assert watched.passes(300) == []


def test_stall_that_proves_too_short_is_withdrawn() -> None:
    watched = held()
    (opened,) = watched.passes(200)
    taken = opened.begin + 10 * MS
    watched.scene.unread = {}
    watched.scene.say(Recv(taken, PID, PID, 1, 5, "x"))
    watched.scene.does(PID, "epoll_wait")
    assert [(each.event, each.id) for each in watched.passes(100)] == [("withdrawn", opened.id)]
    assert watched.passes(100) == []


def test_new_cause_is_reported_once() -> None:
    watched = held()
    assert [each.cause for each in watched.passes(200)] == ["blocked"]
    watched.scene.say(Block(watched.scene.now, PID, PID, 2, "cpu", 2.0))
    watched.scene.does(PID, "")
    found = watched.passes(800, running=PID)
    assert [(each.event, each.cause) for each in found][:1] == [("attributed", "computing")]
    assert len(found) <= 2
    watched.scene.say(Unblock(watched.scene.now, PID, PID, 2))


def test_progress_during_a_stall_is_reported_as_a_split() -> None:
    watched = Watched()
    scene = watched.scene
    scene.does(PID, "clock_nanosleep")
    scene.unread = {watched.peers[0]: 5, watched.peers[1]: 5}
    (opened,) = watched.passes(300)
    scene.say(Recv(scene.now - 200 * MS, PID, PID, 1, 5, "x"))
    scene.unread = {watched.peers[1]: 5}
    found = watched.passes(100)
    assert [(each.event, each.id) for each in found] == [("split", opened.id)]
    assert found[0].begin > opened.begin
    assert [victim.peer for victim in found[0].victims] == [watched.peers[1]]
