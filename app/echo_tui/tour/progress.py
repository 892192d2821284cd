"""Which steps of a pattern have been done in a session, and what was measured."""

from dataclasses import dataclass

from echo_tui.session.session import Session
from echo_tui.tour.steps import Step


@dataclass(slots=True)
class Done:
    """A step that has been done at a time (ns), and what was measured."""

    step: Step
    at: int
    value: float


class StepProgress:
    """The steps of one run. A step is looked at only after the one before has been done."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps
        self.done: list[Done] = []

    @property
    def next(self) -> Step | None:
        """The step to do now; None if all have been done."""
        return self.steps[len(self.done)] if len(self.done) < len(self.steps) else None

    def update(self, session: Session, now: int) -> None:
        """Note whether the next step has been done; what the last one measures may still grow."""
        if self.done:
            last = self.done[-1]
            last.value = max(last.value, last.step.done(session, now) or 0)
        if self.next and (value := self.next.done(session, now)) is not None:
            self.done.append(Done(self.next, now, value))
