"""The threads panel: which thread is in a block, also where it serves nobody and others rest in the same call."""

from app.session.observations import ServerStarted, Thread, ThreadSample
from app.session.session import Session
from app.tui.panels.threads import rows
from servers.records import Block, New, Worker
from tests.tui.still import PID, START, Still

LOOP, BLOCKED = PID, PID + 5


async def test_a_thread_of_a_pool_that_blocks_stands_out_of_those_that_rest_in_the_same_call() -> None:
    session = Session()
    session.apply_all(
        [
            ServerStarted(START, "eventlet-tpool", PID, "127.0.0.1", 1, ["poll"]),
            Worker(START, PID, LOOP, "main"),
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
    assert not any(map(session.held_since, session.connections.values()))
    assert not session.blocks[-1].stops_all
    app = Still("eventlet", [])
    async with app.run_test():
        app.live.session = session
        found = rows(app.view())
    assert [(row.count, row.blocks) for row in found] == [(1, False), (9, False), (1, True)]
    assert "a C call" in found[-1].doing
