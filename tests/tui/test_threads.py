"""The threads panel: which thread is in a block, even if it serves no client and others idle in the same call."""

import re
import sys

import pytest
from echo_servers.catalog import find
from echo_servers.records import Block, New, WorkerStarted
from echo_servers.server import Options
from echo_tui.diagnosis.stall import Culprit, Stall, Verdict
from echo_tui.diagnosis.targets import OnThread
from echo_tui.model.evidence import Thread
from echo_tui.model.observations import (
    Observation,
    ServerStarted,
    ThreadSample,
    Unavailable,
)
from echo_tui.session.session import Session
from echo_tui.tui.panels.source import who
from echo_tui.tui.panels.threads import ThreadsPanel, rows

from tests.crossed import seldom
from tests.tui.stage import SIZES, dashboard, rendered
from tests.tui.still import NOW, PID, START, Still, run

LOOP, BLOCKED = PID, PID + 5


async def test_blocked_pool_thread_is_separate_from_idle_ones() -> None:
    session = Session()
    session.apply_all(
        [
            ServerStarted(START, "eventlet-tpool", PID, "127.0.0.1", 1, ["poll"]),
            WorkerStarted(START, PID, LOOP, "main"),
            New(START, PID, LOOP, 1, "127.0.0.1:51881"),
            New(START, PID, LOOP, 2, "127.0.0.1:51882"),
            Block(START, PID, BLOCKED, 1, "c-call", 60.0),
            ThreadSample(
                START,
                [Thread(PID, LOOP, "python", "epoll_wait", "", False, 0, 0, None, None)]
                + [Thread(PID, PID + n, "python", "futex", "", False, 0, 0, None, None) for n in range(1, 11)],
                [],
                11,
                1,
            ),
        ]
    )
    assert len(session.connections) == 2
    assert not any(map(session.thread_blocked_since, session.connections.values()))
    assert not session.blocks.spans[-1].stops_all
    app = Still("eventlet", [])
    async with app.run_test():
        app.live.session = session
        found = rows(app.view())
    assert [(row.count, row.blocks) for row in found] == [(1, False), (9, False), (1, True)]
    assert "a C call" in found[-1].doing[0]


async def test_threads_stopped_by_a_signal_are_shown_as_stopped() -> None:
    def seen(at: int, stopped: bool) -> ThreadSample:
        threads = [
            Thread(PID, PID + n, "python", call, "", False, 0, 0, None, None, False, stopped)
            for n, call in enumerate(("epoll_wait", "", "futex", "futex", "futex"))
        ]
        return ThreadSample(at, threads, [], 5, 1)

    app = Still("eventlet", [ServerStarted(START, "eventlet", PID, "127.0.0.1", 1, ["poll"]), seen(START, False)])
    async with app.run_test():
        assert "waiting in epoll_wait" in [row.doing[0] for row in rows(app.view())]
        app.session.apply(seen(START + 1, True))
        found = rows(app.view())
    assert {row.doing for row in found} == {("stopped by a signal", "stopped")}


async def test_culprit_has_the_name_that_the_panel_shows() -> None:
    session_with: list[Observation] = [
        ServerStarted(START, "multithread", PID, "127.0.0.1", 1, ["accept"]),
        New(START, PID, PID + 2, 1, "127.0.0.1:51881"),
        WorkerStarted(START, PID, PID + 3, "worker 1"),
        ThreadSample(
            START, [Thread(PID, PID + n, "python", "", "", True, 0, 0, None, None) for n in range(4)], [], 4, 1
        ),
    ]
    app = Still("multithread", session_with)
    async with app.run_test():
        view = app.view()
    names = [row.names[0] for row in rows(view)]
    assert names == ["main", "thread 4243", "for :51881", "worker 1"]
    said = [
        who(Stall(1, OnThread(PID, tid), 0, 0, verdict=Verdict(culprit=Culprit(PID, tid, "", "", ""))), view)
        for tid in range(PID, PID + 5)
    ]
    whom = ["main", "thread 4243", "the thread for :51881", "worker 1", f"thread {PID + 4}"]
    assert said == [f"  {name} of process {PID}" for name in whom]


@pytest.mark.parametrize(
    ("kind", "call", "words"),
    [
        ("sleep", "clock_nanosleep", "in time.sleep"),
        ("c-call", "futex", "in a C call"),
        ("c-gil", "futex", "in C with"),
    ],
)
async def test_helper_process_shows_the_call_that_the_loop_reports(kind: str, call: str, words: str) -> None:
    def session_with(*blocks: Block) -> Session:
        session = Session()
        threads = [Thread(PID, PID, "python", "epoll_wait", "", False, 0, 0, None, None)]
        for number, doing in ((1, call), (2, "recvfrom")):
            threads.append(Thread(PID + number, PID + number, f"helper {number}", doing, "", False, 0, 0, None, None))
        news = [New(START, PID, LOOP, conn, f"127.0.0.1:5188{conn}") for conn in (1, 2)]
        started = ServerStarted(START, "asyncio-processes", PID, "127.0.0.1", 1, ["poll"])
        session.apply_all([started, *news, *blocks, ThreadSample(START, threads, [], 3, 1)])
        return session

    other = "cpu"
    app = Still("asyncio-processes", [])
    async with app.run_test():
        app.live.session = session_with(Block(START, PID, LOOP, 1, kind, 60.0, True))
        main, busy, idle = (row.doing[0] for row in rows(app.view()))
        assert main == "waiting in epoll_wait"
        assert words in busy
        assert idle == "waiting in recv"
        mixed = (Block(START, PID, LOOP, 1, kind, 60.0, True), Block(START, PID, LOOP, 2, other, 60.0, True))
        app.live.session = session_with(*mixed)
        assert words not in rows(app.view())[1].doing[0], "the call of each helper is unknown"


WHY = "this system does not let one see another process's system calls"


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]), ids=str)
async def test_panel_says_why_threads_are_unavailable(size: tuple[int, int]) -> None:
    app = Still("asyncio-blocking", [one for one in run() if not isinstance(one, ThreadSample)])
    async with app.run_test(size=size) as pilot:
        app.session.apply(Unavailable(NOW, "threads", WHY))
        await pilot.press("7")
        await pilot.pause()
        app.draw()
        panel = app.query_one("#threads", ThreadsPanel)
        assert str(panel.border_title).endswith("by the server's word")
        assert "by the server's word" in rendered(panel)[0]
        read: list[str] = []
        for key in ("end", *["up"] * 10):
            await pilot.press(key)
            read += rendered(panel)
        assert all(word in " ".join(read) for word in WHY.split()), "all of it can be read"


async def test_length_of_a_sleep_is_shown_at_the_size_of_a_talk() -> None:
    app = Still("asyncio-blocking", run())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        app.draw()
        await pilot.pause()
        assert any(re.search(r"\d s (in )?time.sleep", line) for line in rendered(app.query_one("#threads")))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows names of threads")
async def test_helper_processes_of_a_loop_have_names() -> None:
    async with dashboard("asyncio-processes", options=Options(port=0, workers=2)) as stage:
        await stage.press("7", "f")
        await stage.until(lambda: "helper 1" in stage.shown("threads") and "helper 2" in stage.shown("threads"), "both")
        stage.app.start_from_palette(find("process-thread-pool"))
        await stage.serving("process-thread-pool")
        await stage.until(lambda: stage.shown("threads").count("main ") == 3, "what has no name of its own is main")
