"""Which stall a block has caused, and who waited because of it, without a server."""

from echo_tui.diagnosis.stall import Cause, Stall, Verdict, Victim
from echo_tui.diagnosis.targets import OnThread
from echo_tui.experiments.blame import blame, stall_of
from echo_tui.experiments.cell import MS
from echo_tui.model.blocks import BlockSpan

SPAN = BlockSpan(1000 * MS, "sleep", 1.0, 7, 7, 1, False, end=2000 * MS)


def stall(number: int, begin: int, end: int, victims: tuple[int, ...] = (), injected: bool = False) -> Stall:
    waiting = {victim: Victim(f"peer {victim}", None, begin * MS) for victim in victims}
    return Stall(
        number,
        OnThread(7, number),
        begin * MS,
        begin * MS,
        end * MS,
        Verdict(cause=Cause.BLOCKED, injected=injected),
        waiting,
    )


def test_injected_stall_is_preferred_to_older_and_longer_ones() -> None:
    older, made = stall(1, 100, 3000), stall(2, 1000, 1900, injected=True)
    assert stall_of([older, made], SPAN) is made
    assert stall_of([older, stall(3, 1000, 1200)], SPAN).number == 3  # type: ignore[union-attr]
    assert stall_of([older], SPAN) is older
    assert stall_of([stall(1, 100, 900), stall(2, 2100, 2900)], SPAN) is None


def test_all_victims_of_the_block_are_counted_once() -> None:
    gil, queue = stall(1, 1010, 2000, (2, 3, 4), injected=True), stall(2, 1250, 2000, (4, 5))
    found = blame([stall(3, 100, 3000, (9,)), gil, queue], SPAN, 3000 * MS)
    assert found
    assert (found.number, found.victims, found.older) == (1, 4, False)


def test_stall_of_the_architecture_has_its_own_victims() -> None:
    found = blame([stall(1, 100, 3000, (9,))], SPAN, 3000 * MS)
    assert found
    assert (found.victims, found.older) == (1, True)
