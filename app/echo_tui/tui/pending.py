"""Actions that wait for a condition: a client can speak only once it is accepted."""

from collections.abc import Callable
from dataclasses import dataclass

Condition = Callable[[], bool]


@dataclass(frozen=True)
class _Step:
    condition: Condition
    act: Callable[[], object]
    until: int
    anyway: bool


class Pending:
    """Actions that run in the turn in which their condition has become true; after a time not at all, or anyway."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._steps: list[_Step] = []

    def when(self, condition: Condition, act: Callable[[], object], within: int, anyway: bool = False) -> None:
        """Run `act` once the condition holds; if that takes longer than `within` ns, not at all, or `anyway` then."""
        self._steps.append(_Step(condition, act, self._clock() + within, anyway))

    def clear(self) -> None:
        """Forget all of them."""
        self._steps.clear()

    def turn(self) -> None:
        """Run the actions whose condition holds now; they may add others."""
        now, steps, self._steps = self._clock(), self._steps, []
        for step in steps:
            if step.condition() or (step.anyway and now >= step.until):
                step.act()
            elif now < step.until:
                self._steps.append(step)
