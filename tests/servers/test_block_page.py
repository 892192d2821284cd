"""The block's page: armed, changed and disarmed while the server runs, and seen by all of its workers."""

import pytest

from servers.block import BlockSetting
from servers.records import Block, Unblock
from tests.servers.harness import ONE_AT_A_TIME, Running, Starter
from tests.servers.talk import ask, close

SHORT = BlockSetting("sleep", 0.01)
LONGER = BlockSetting("sleep", 0.02)


def test_armed_changed_and_disarmed(server: Running) -> None:
    with server.connect() as client:
        for setting in (None, SHORT, LONGER, None, SHORT):
            server.page.arm(setting)
            before = len(server.events.of(Block))
            ask(client)
            if setting:
                block = server.until(Block, before + 1)[-1]
                unblock = server.until(Unblock, before + 1)[-1]
                assert (block.kind, block.seconds) == (setting.kind, setting.seconds)
                assert block.cooperative == (server.pattern == "eventlet")
                assert (block.pid, block.tid, block.conn) == (unblock.pid, unblock.tid, unblock.conn)
                assert unblock.at - block.at >= 1e9 * setting.seconds
            else:
                assert len(server.events.of(Block)) == before
    server.page.arm(None)


@pytest.mark.parametrize(("pattern", "count"), [("thread-pool", 4), ("process-pool", 4), ("process-thread-pool", 40)])
def test_every_worker_sees_it(start: Starter, pattern: str, count: int) -> None:
    assert pattern not in ONE_AT_A_TIME
    server = start(pattern, "--workers", "4")
    clients = server.clients(count)
    server.page.arm(SHORT)
    for client in clients:
        ask(client)
    assert len({(block.pid, block.tid) for block in server.until(Block, count)}) == count
    server.page.arm(None)
    for client in clients:
        ask(client)
    assert len(server.events.of(Block)) == len(server.until(Unblock, count)) == count
    close(clients)
