"""The page of the block: armed, changed and disarmed while the server runs, and read by all workers."""

import pytest
from echo_servers.block import BlockSetting
from echo_servers.records import Block, New, Unblock

from tests.servers.harness import COOPERATIVE, ONE_AT_A_TIME, Running, Starter
from tests.servers.talk import ask, close

SHORT = BlockSetting("sleep", 0.01)
LONGER = BlockSetting("sleep", 0.02)


def test_block_is_armed_changed_and_disarmed(server: Running) -> None:
    with server.connect() as client:
        for setting in (None, SHORT, LONGER, None, SHORT):
            server.page.arm(setting)
            before = len(server.events.of(Block))
            ask(client)
            if setting:
                block = server.until(Block, before + 1)[-1]
                unblock = server.until(Unblock, before + 1)[-1]
                assert (block.kind, block.seconds) == (setting.kind, setting.seconds)
                assert block.cooperative == (server.pattern in COOPERATIVE)
                assert (block.pid, block.tid, block.conn) == (unblock.pid, unblock.tid, unblock.conn)
                assert unblock.at - block.at >= 1e9 * setting.seconds
            else:
                assert len(server.events.of(Block)) == before
    server.page.arm(None)


@pytest.mark.parametrize(("pattern", "count"), [("thread-pool", 4), ("process-pool", 4), ("process-thread-pool", 40)])
def test_every_worker_reads_the_page(start: Starter, pattern: str, count: int) -> None:
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


def test_block_on_every_nth_message(start: Starter) -> None:
    server = start("asyncio")
    server.page.arm(BlockSetting("sleep", 0.001, 4))
    with server.connect() as client:
        for number in range(1, 13):
            ask(client)
            assert len(server.events.of(Block)) == number // 4


def test_block_on_one_client_only(start: Starter) -> None:
    server = start("thread-pool")
    here, there = server.clients(2)
    server.page.arm(SHORT, only=here.getsockname()[1])
    for client in (there, here, there, here):
        ask(client)
    struck = server.until(Block, 2)
    assert {record.conn for record in struck} == {record.conn for record in server.events.of(New)
                                                 if record.peer.endswith(f":{here.getsockname()[1]}")}  # fmt: skip
    assert len(struck) == 2
    close([here, there])


@pytest.mark.parametrize("text", ["sleep:2", "cpu:0.001", "c-gil:60/10", "c-call:1.5/1000000"])
def test_setting_parses_to_the_same_text(text: str) -> None:
    assert BlockSetting.parse(text).spec == text


@pytest.mark.parametrize("share", ["2/0", "2/-1", "2/x", "2/", "2/1.5", "/3", "2/1000001"])
def test_invalid_share_is_refused(share: str) -> None:
    with pytest.raises(ValueError, match=r"sleep:2/10|one message in 1 to 1,000,000"):
        BlockSetting.parse(f"sleep:{share}")


def test_number_alone_is_a_sleep_and_other_text_needs_a_kind() -> None:
    assert BlockSetting.parse("2") == BlockSetting("sleep", 2.0)
    for text in (":2", "nap", "nap:2"):
        with pytest.raises(ValueError, match="sleep, c-call, cpu, c-gil"):
            BlockSetting.parse(text)
