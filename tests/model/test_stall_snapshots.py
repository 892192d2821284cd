"""What is kept of stalls to go back to."""

from echo_servers.records import New, Recv
from echo_tui.diagnosis.stalls import THRESHOLD
from echo_tui.diagnosis.targets import OnThread
from echo_tui.model import stall_snapshots
from echo_tui.model.stall_snapshots import AGAIN, KEPT, StallSnapshots

from tests.model.scene import MS, PID, Scene, loop


def stalled() -> Scene:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[1]: 5}
    scene.passes(200)
    return scene


def test_a_stall_is_pictured_while_it_goes_on_and_kept_when_it_is_over() -> None:
    scene, kept = stalled(), StallSnapshots(clock=lambda: 0)
    kept.keep(scene.session, scene.now)
    first, at = kept.kept[1]
    assert (at, first.stalls.going[OnThread(PID, PID)].end) == (scene.now, 0)
    scene.passes(AGAIN // MS - 100)
    kept.keep(scene.session, scene.now)
    assert kept.kept[1][0] is first, "it is too soon for another one"
    scene.now += AGAIN
    kept.keep(scene.session, scene.now)
    latest, at = kept.kept[1]
    assert (latest is not first, at) == (True, scene.now)
    scene.takes(2)
    scene.passes(3000)
    kept.keep(scene.session, scene.now)
    assert kept.kept == {1: (latest, at)}


def test_a_stall_that_was_told_when_it_was_over_is_pictured_once() -> None:
    scene, kept = stalled(), StallSnapshots(clock=lambda: 0)
    scene.takes(2)
    scene.passes(50)
    kept.keep(scene.session, scene.now)
    still, at = kept.kept[1]
    assert (at, still.stalls.all[-1].number) == (scene.now, 1)
    scene.passes(500)
    kept.keep(scene.session, scene.now)
    assert kept.kept[1][0] is still


def test_all_that_were_told_when_they_were_over_are_pictured() -> None:
    scene, kept = Scene("accept", "recv"), StallSnapshots(clock=lambda: 0)
    for conn in (1, 2):
        scene.unread[scene.accepts(conn, tid=10 + conn)] = 5
        scene.does(10 + conn, "clock_nanosleep")
    scene.passes(100)
    scene.now += 60 * MS
    for conn in (1, 2):
        scene.takes(conn, tid=10 + conn)
    scene.passes(50)
    kept.keep(scene.session, scene.now)
    assert sorted(kept.kept) == [1, 2]


def test_what_turned_out_to_be_no_stall_has_no_picture() -> None:
    scene, kept = stalled(), StallSnapshots(clock=lambda: 0)
    kept.keep(scene.session, scene.now)
    begin = scene.stalls[0].begin
    scene.unread.clear()
    scene.say(Recv(begin + THRESHOLD // 2, PID, PID, 2, 5, "x"))
    scene.passes(50)
    kept.keep(scene.session, scene.now)
    assert not kept.kept


def test_pictures_are_made_seldom_where_they_are_dear() -> None:
    spent = iter(range(0, 10**12, 500 * MS))
    scene, kept = stalled(), StallSnapshots(clock=lambda: next(spent))
    kept.keep(scene.session, scene.now)
    first = kept.kept[1]
    scene.now += 10 * AGAIN
    kept.keep(scene.session, scene.now)
    assert kept.kept[1] is first


def test_what_is_kept_is_bounded() -> None:
    scene, kept = stalled(), StallSnapshots(clock=lambda: 0)
    for number in range(KEPT + 10):
        kept.keep(scene.session, scene.now)
        scene.takes(2)
        scene.now += AGAIN
        scene.unread = {"127.0.0.1:5002": 5}
        scene.passes(200)
        assert len(kept.kept) == min(number + 1, KEPT)
    for conn in range(10, stall_snapshots.CONNECTIONS // 3):
        scene.say(New(scene.now, PID, PID, conn, f"10.0.0.1:{conn}"))
    for _ in range(6):
        kept.keep(scene.session, scene.now)
        scene.takes(2)
        scene.now += AGAIN
        scene.unread = {"127.0.0.1:5002": 5}
        scene.passes(200)
    assert 1 <= len(kept.kept) <= 4


def test_a_culprit_that_changes_makes_no_more_pictures() -> None:
    scene, kept = stalled(), StallSnapshots(clock=lambda: 0)
    stall = scene.only()
    for number in range(20):
        scene.now += 10 * MS
        stall.located_at = scene.now if number else 0
        kept.keep(scene.session, scene.now)
        if number == 1:
            first = kept.kept[1][0]
    assert kept.kept[1][0] is first, "one without its line, one with it, and then it is too soon"
