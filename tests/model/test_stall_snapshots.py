"""Snapshots of stalls: when they are made and replaced, and how many are kept."""

from dataclasses import replace

from echo_servers.records import New, Recv
from echo_tui.diagnosis.stalls import THRESHOLD
from echo_tui.diagnosis.targets import OnThread
from echo_tui.session import stall_snapshots
from echo_tui.session.stall_snapshots import AGAIN, KEPT, StallSnapshots

from tests.model.scene import MS, PID, Scene, loop


def stalled() -> Scene:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[1]: 5}
    scene.passes(200)
    return scene


def test_snapshot_is_renewed_during_a_stall_and_kept_after_it() -> None:
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
    scene.reads(2)
    scene.passes(3000)
    kept.keep(scene.session, scene.now)
    assert kept.kept == {1: (latest, at)}


def test_stall_reported_after_its_end_has_one_snapshot() -> None:
    scene, kept = stalled(), StallSnapshots(clock=lambda: 0)
    scene.reads(2)
    scene.passes(50)
    kept.keep(scene.session, scene.now)
    still, at = kept.kept[1]
    assert (at, still.stalls.all[-1].number) == (scene.now, 1)
    scene.passes(500)
    kept.keep(scene.session, scene.now)
    assert kept.kept[1][0] is still


def test_all_stalls_reported_after_their_end_have_snapshots() -> None:
    scene, kept = Scene("accept", "recv"), StallSnapshots(clock=lambda: 0)
    for conn in (1, 2):
        scene.unread[scene.accepts(conn, tid=10 + conn)] = 5
        scene.does(10 + conn, "clock_nanosleep")
    scene.passes(100)
    scene.now += 60 * MS
    for conn in (1, 2):
        scene.reads(conn, tid=10 + conn)
    scene.passes(50)
    kept.keep(scene.session, scene.now)
    assert sorted(kept.kept) == [1, 2]


def test_withdrawn_stall_has_no_snapshot() -> None:
    scene, kept = stalled(), StallSnapshots(clock=lambda: 0)
    kept.keep(scene.session, scene.now)
    begin = scene.stalls[0].begin
    scene.unread.clear()
    scene.say(Recv(begin + THRESHOLD // 2, PID, PID, 2, 5, "x"))
    scene.passes(50)
    kept.keep(scene.session, scene.now)
    assert not kept.kept


def test_expensive_snapshots_are_made_rarely() -> None:
    spent = iter(range(0, 10**12, 500 * MS))
    scene, kept = stalled(), StallSnapshots(clock=lambda: next(spent))
    kept.keep(scene.session, scene.now)
    first = kept.kept[1]
    scene.now += 10 * AGAIN
    kept.keep(scene.session, scene.now)
    assert kept.kept[1] is first


def test_number_of_snapshots_is_bounded() -> None:
    scene, kept = stalled(), StallSnapshots(clock=lambda: 0)
    for number in range(KEPT + 10):
        kept.keep(scene.session, scene.now)
        scene.reads(2)
        scene.now += AGAIN
        scene.unread = {"127.0.0.1:5002": 5}
        scene.passes(200)
        assert len(kept.kept) == min(number + 1, KEPT)
    for conn in range(10, stall_snapshots.CONNECTIONS // 3):
        scene.say(New(scene.now, PID, PID, conn, f"10.0.0.1:{conn}"))
    for _ in range(6):
        kept.keep(scene.session, scene.now)
        scene.reads(2)
        scene.now += AGAIN
        scene.unread = {"127.0.0.1:5002": 5}
        scene.passes(200)
    assert 1 <= len(kept.kept) <= 4


def test_changing_culprit_makes_no_extra_snapshots() -> None:
    scene, kept = stalled(), StallSnapshots(clock=lambda: 0)
    stall = scene.only()
    for number in range(20):
        scene.now += 10 * MS
        stall.verdict = replace(stall.verdict, located_at=scene.now if number else 0)
        kept.keep(scene.session, scene.now)
        if number == 1:
            first = kept.kept[1][0]
    assert kept.kept[1][0] is first, "one without its line, one with it, and then it is too soon"
