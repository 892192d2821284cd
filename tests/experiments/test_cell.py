"""How a cell is judged by its round trips, without a server."""

from dataclasses import replace

import pytest
from echo_tui.experiments.cell import MS, Cell, ClientMeasurements, Effect, RoundTrip, measurements_of
from hypothesis import given
from hypothesis import strategies as st

BEGIN, END = 1000 * MS, 2000 * MS
EVERY = 20 * MS


def pings(delay: int = MS, until: int = END + 200 * MS) -> list[RoundTrip]:
    """Return one round trip every 20 ms, each of `delay` ns."""
    return [RoundTrip(due, due + delay) for due in range(0, until, EVERY)]


def stopped(begin: int, end: int) -> list[RoundTrip]:
    """Return the same round trips with a server that does nothing between two times (ns)."""
    return [RoundTrip(echo.due, max(echo.at, end) if echo.at > begin else echo.at) for echo in pings()]


def judged(echoes: list[RoundTrip]) -> ClientMeasurements:
    return measurements_of(echoes, 0, BEGIN, END)


def test_untouched() -> None:
    found = judged(pings())
    assert (found.effect, found.before, found.during, found.worst) == (Effect.UNTOUCHED, 1.0, 1.0, 1.0)
    assert found.silence == pytest.approx(20, abs=1.1)


@pytest.mark.parametrize(("begin", "end", "share"), [(BEGIN, END, 1.0), (BEGIN, BEGIN + 600 * MS, 0.6)])
def test_stopped_for_a_share_of_the_block(begin: int, end: int, share: float) -> None:
    found = judged(stopped(begin, end))
    assert found.effect is Effect.STOPPED
    assert found.share == pytest.approx(share, abs=0.03)
    assert found.worst == pytest.approx((end - begin) / MS, abs=21)


def test_slowed() -> None:
    during = [RoundTrip(e.due, e.due + 8 * MS) if BEGIN <= e.due < END else e for e in pings()]
    found = judged(during)
    assert (found.effect, found.slower) == (Effect.SLOWED, 7.0)


def test_short_delay_by_the_machine_is_not_slowed() -> None:
    held_up = [RoundTrip(e.due, e.due + (90 * MS if BEGIN <= e.due < BEGIN + 100 * MS else MS)) for e in pings()]
    assert judged(held_up).effect is Effect.UNTOUCHED


def test_client_not_served_before_the_block_is_not_stopped() -> None:
    assert judged([]).effect is Effect.UNSERVED
    assert judged([RoundTrip(0, END + MS)]).effect is Effect.UNSERVED


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 30))
def test_silence_is_at_most_the_block_and_at_least_the_stop(a: int, b: int, delay: int) -> None:
    begin, end = BEGIN + min(a, b) * MS, BEGIN + max(a, b) * MS
    found = judged(
        [RoundTrip(e.due, max(e.due + delay * MS, end if e.due + delay * MS > begin else 0)) for e in pings()]
    )
    assert 0 < found.silence <= (END - BEGIN) / MS
    assert found.silence >= (end - begin) / MS - 1e-6
    assert found.share == pytest.approx(found.silence * MS / (END - BEGIN))
    assert (found.effect is Effect.STOPPED) == (found.share >= 0.5)


def cell(effect: list[Effect], expected: list[Effect]) -> Cell:
    others = tuple(ClientMeasurements(one, 900.0, 0.9, 0.5, 5.7, 10.0) for one in effect)
    return Cell("asyncio", "sleep", others=others, expected=tuple(expected))


U, S, X, N = Effect.UNTOUCHED, Effect.SLOWED, Effect.STOPPED, Effect.UNSERVED


@pytest.mark.parametrize(
    ("effect", "expected", "surprise"),
    [
        ([X, X], [X, X], False),
        ([X, U], [X, X], True),
        ([X, U], [X, U], False),
        ([U, U], [S, S], True),
        ([U, S], [S, S], False),
        ([U, X], [S, S], True),
        ([S, U], [U, U], True),
        ([N, N], [N, N], False),
        ([N, U], [U, U], True),
    ],
)
def test_anything_unexpected_is_a_surprise(effect: list[Effect], expected: list[Effect], surprise: bool) -> None:
    assert cell(effect, expected).surprise is surprise


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        ([X, X, X], "stopped 90 %"),
        ([U, X, X], "stopped 90 %, 2 of 3"),
        ([U, S, U], "slowed +5.2 ms, 1 of 3"),
        ([U, U, U], "untouched"),
        ([N, N], "not served"),
        ([N, U], "untouched, 1 of 2"),
        ([], "not measured"),
    ],
)
def test_words_describe_the_most_affected_clients(effect: list[Effect], words: str) -> None:
    assert cell(effect, effect).words == words


def test_untouched_cell_says_that_no_client_shared_the_process() -> None:
    alone = replace(cell([U, U], [U, U]), alone=True)
    assert alone.words == "untouched, nobody shares its process"
    assert all("alone" in said for said in alone.briefly)
