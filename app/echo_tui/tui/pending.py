"""Actions that wait for a condition: a client can speak only once it is accepted."""

from collections.abc import Callable
from dataclasses import dataclass

Condition = Callable[[], bool]


@dataclass(frozen=True)
class _Step:
    condition: Condition
    act: Callable[[], object]
    until: int


class Pending:
    """Actions that run in the turn in which their condition has become true, or not at all after a time."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._steps: list[_Step] = []

    def when(self, condition: Condition, act: Callable[[], object], within: int) -> None:
        """Run `act` once the condition holds, unless that takes longer than `within` ns."""
        self._steps.append(_Step(condition, act, self._clock() + within))

    def clear(self) -> None:
        """Forget all of them."""
        self._steps.clear()

    def turn(self) -> None:
        """Run the actions whose condition holds now; they may add others."""
        now, steps, self._steps = self._clock(), self._steps, []
        for step in steps:
            if step.condition():
                step.act()
            elif now < step.until:
                self._steps.append(step)
