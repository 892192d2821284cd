"""The stall that a block has caused, and its victims."""

from collections.abc import Iterable
from pathlib import PurePath

from echo_tui.diagnosis.stall import Stall
from echo_tui.experiments.cell import Blame
from echo_tui.model.blocks import BlockSpan

TOLERANCE = 100_000_000
"""How far (ns) the begin of a stall may be off."""


def stall_of(stalls: Iterable[Stall], span: BlockSpan) -> Stall | None:
    """Return the stall of a block among those that overlap it: an injected one first, then one not older."""
    those = _meanwhile(stalls, span)
    return max(those, key=lambda s: (s.injected, not _older(s, span), s.lasted(span.end)), default=None)


def blame(stalls: Iterable[Stall], span: BlockSpan, now: int) -> Blame | None:
    """Return the cell's summary of that stall at a time (ns); the victims of all stalls of the block count."""
    stalls = list(stalls)
    stall = stall_of(stalls, span)
    if stall is None:
        return None
    calls = stall.culprit.calls[:2] if stall.culprit else []
    where = ", called at ".join(f"{PurePath(frame.file).name}:{frame.line} {frame.function}" for frame in calls)
    caused = [each for each in _meanwhile(stalls, span) if each is stall or each.injected or not _older(each, span)]
    waited = {number for each in caused for number in each.victims}
    lasted = stall.lasted(now) / 1e6
    older = _older(stall, span)
    return Blame(stall.number, stall.cause, where, len(waited), lasted, stall.injected, older)


def _meanwhile(stalls: Iterable[Stall], span: BlockSpan) -> list[Stall]:
    return [stall for stall in stalls if stall.begin < span.end and (not stall.end or stall.end > span.begin)]


def _older(stall: Stall, span: BlockSpan) -> bool:
    """Return whether a stall began before the block, so that the architecture caused it."""
    return stall.begin < span.begin - TOLERANCE
