"""The row of steps: what to do next with the running pattern, which keys to press, and what the last step measured."""

from collections.abc import Hashable

from echo_tui.tour.progress import Done
from echo_tui.tour.steps import BYTES, NS, PERCENT, RATIO, Step
from echo_tui.tui import text
from echo_tui.tui.panel import Line, Panel
from echo_tui.tui.view import View
from echo_tui.words import steps as words

SHOWN = 4 * text.SECOND
"""How long (ns) what was measured comes before the next step, where there is no room for both."""


class StepBar(Panel, can_focus=False):
    """The panel of one row."""

    SELECTS = False

    def fingerprint(self, view: View) -> Hashable:
        steps = view.steps
        last = steps.done[-1] if steps and steps.done else None
        fresh = bool(last and view.clock - last.at < SHOWN)
        return (
            view.client is None,
            steps and (steps.steps, len(steps.done)),
            last and said(last),
            fresh,
            view.note,
            view.following,
        )

    def prepare(self, view: View) -> None:
        self.last = 1

    def line(self, index: int, width: int) -> Line:
        view = self.view
        if not view or not (steps := view.steps):
            return []
        palette, last = view.palette, steps.done[-1] if steps.done else None
        done: Line = [("✓ " * len(steps.done) + f"{said(last)}  ", palette.good)] if last else []
        rest = self._next(view)
        lines = [done + rest, rest]
        if last and view.clock - last.at < SHOWN:
            lines.insert(1, done)
        chosen = next((line for line in lines if sum(len(part) for part, _ in line) <= width), rest)
        note: Line = [(f"  {view.note}", palette.dim)] if view.note else []
        return [*chosen, *note]

    def _next(self, view: View) -> Line:
        assert view.steps
        palette, step, steps = view.palette, view.steps.next, view.steps
        if step is None:
            following = view.following.title if view.following else ""
            return [(words.all_done(view.keys["next"], following), palette.text)]
        if why := step.lacks(view.live):
            return [(words.cannot(text.clean(why)), palette.dim)]
        count = f"{len(steps.done) + 1}/{len(steps.steps)} "
        keys = keys_of(step, view)
        pressed: Line = [(f"  {keys}", palette.accent)] if keys else []
        return [(count, palette.dim), (words.sentence(step.code), palette.strong), *pressed]


def keys_of(step: Step, view: View) -> str:
    """Return the keys of a step as they are to be pressed.

    With no client chosen, the one before is the newest, which may wait itself; the next one is the oldest, and served.
    """
    right = {"choose-left": "choose-right"} if view.client is None else {}
    return " ".join(key if key.endswith("⏎") else view.keys[right.get(key, key)] for key in step.keys)


def said(done: Done) -> str:
    """Return what a step has measured, in words."""
    value = done.value
    shown = {
        NS: lambda: text.duration(int(value)),
        BYTES: lambda: text.size(int(value)),
        PERCENT: lambda: f"{value:.0f} %",
        RATIO: lambda: f"{value:.1f}",
    }.get(done.step.unit, lambda: text.count(value))()
    return words.measured(done.step.code, shown)
