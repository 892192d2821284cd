"""Echoes are matched with sent messages by their position in the stream."""

from echo_tui.clients.ledger import BYTES, MESSAGES, Ledger
from echo_tui.clients.messages import Message
from hypothesis import given
from hypothesis import strategies as st


def _ledger(*texts: bytes) -> Ledger:
    ledger = Ledger(7)
    for since, text in enumerate(texts, start=1):
        ledger.sent(Message(since, text, len(text)))
    return ledger


@given(
    texts=st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=12),
    cuts=st.lists(st.integers(1, 50), max_size=60),
)
def test_chunking_does_not_change_the_echoes(texts: list[bytes], cuts: list[int]) -> None:
    ledger = _ledger(*texts)
    stream = b"".join(texts)
    echoes = []
    for cut in [*cuts, len(stream)]:
        part, stream = stream[:cut], stream[cut:]
        if part:
            echoes += ledger.returned(part, at=1000)
    assert [echo.head for echo in echoes] == [str(text[:32], "latin-1") for text in texts]
    assert [echo.size for echo in echoes] == [len(text) for text in texts]
    assert [echo.rtt for echo in echoes] == [1000 - since for since in range(1, len(texts) + 1)]
    assert [echo.waiting_since for echo in echoes] == [*range(2, len(texts) + 1), 0]
    assert all(echo.intact for echo in echoes)


def test_wrong_byte_affects_only_its_own_message() -> None:
    ledger = _ledger(b"one\n", b"two\n", b"three\n")
    echoes = ledger.returned(b"one\ntwO\nthr", 10) + ledger.returned(b"ee\n", 11)
    assert [echo.intact for echo in echoes] == [True, False, True]
    assert echoes[1].head == "twO\n"


def test_extra_byte_affects_all_following_messages() -> None:
    ledger = _ledger(b"one\n", b"two\n")
    echoes = ledger.returned(b"Xone\ntwo\n", 10)
    assert [echo.intact for echo in echoes] == [False, False, False]
    assert [echo.size for echo in echoes] == [4, 4, 1]


def test_unsolicited_bytes_are_not_intact() -> None:
    (echo,) = _ledger().returned(b"boo!", 10)
    assert (echo.client, echo.size, echo.head, echo.rtt, echo.waiting_since, echo.intact) == (7, 4, "boo!", 0, 0, False)


def test_ledger_is_full_by_messages_and_by_bytes() -> None:
    many = _ledger(*[b"x"] * MESSAGES)
    assert many.full
    many.returned(b"x", 9)
    assert not many.full
    large = Ledger(1)
    large.sent(Message(1, b"\n", BYTES))
    assert large.full
    large.clear()
    assert not large.full
