"""The messages a client sends, and when each is due."""

from itertools import pairwise

import pytest
from echo_tui.clients.messages import GRID, SECOND, WAITING_LIMIT, LoadClock, Message, Outbox, PendingBurst


@pytest.mark.parametrize("size", [1, 2, 5, 20, 256, 257, 5000])
def test_burst_has_distinct_messages_of_the_requested_size(size: int) -> None:
    outbox = Outbox(3)
    outbox.put(PendingBurst(5, size))
    texts = [message.data() for message in iter(lambda: outbox.take(1), None)]
    assert [len(text) for text in texts] == [size] * 5
    assert all(text.endswith(b"\n") and text.isascii() for text in texts)
    if size >= 20:
        assert texts[0].startswith(b"burst 1 from 3")
        assert len(set(texts)) == 5


def test_lines_and_bursts_keep_their_order_and_precede_chatter() -> None:
    outbox = Outbox(1)
    outbox.chatter = LoadClock(1, 10, 32, 0)
    for what in (b"first\n", PendingBurst(2, 32), b"last\n"):
        assert outbox.put(what)
    heads = [message.head for message in iter(lambda: outbox.take(SECOND), None)]
    assert [head.split(b" ")[0] for head in heads[:4]] == [b"first\n", b"burst", b"burst", b"last\n"]
    assert len(heads) > 4
    assert all(head.startswith(b"hello") for head in heads[4:])


def test_late_chatter_keeps_its_schedule() -> None:
    outbox = Outbox(4)
    outbox.chatter = LoadClock(4, 10, 32, 0)
    late = 10 * SECOND
    taken: list[Message] = list(iter(lambda: outbox.take(late), None))
    assert len(taken) in (100, 101)
    gaps = {second.since - first.since for first, second in pairwise(taken)}
    assert gaps == {SECOND // 10}
    assert all(message.since % GRID == 0 for message in taken)


def test_clients_spread_their_chatter_over_the_interval() -> None:
    dues = [LoadClock(client, 1, 32, 0).due for client in range(1000)]
    tenths = [sum(1 for due in dues if tenth * SECOND // 10 <= due < (tenth + 1) * SECOND // 10) for tenth in range(10)]
    assert all(80 < tenth < 120 for tenth in tenths)


def test_message_beyond_the_limit_is_refused() -> None:
    outbox = Outbox(1)
    assert all(outbox.put(b"x") for _ in range(WAITING_LIMIT))
    assert not outbox.put(b"x")
