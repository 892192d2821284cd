"""The figures as a table."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from tests.bench.figures import Figure, Section

HEADS = ("", "median", "min .. max", "", "goal")
NUMBERS = (1, 2, 4)
"""The columns that are aligned to the right."""


def table(sections: Iterable[Section]) -> Group:
    """Return for each section a row for each figure: name, median, spread, goal, and whether it is met.

    The columns of all sections have the same widths. A figure's note stands below it, a section's below its figures.
    """
    sections = list(sections)
    rows = [HEADS, *(_cells(figure) for section in sections for figure in section.figures)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return Group(*(part for section in sections for part in _section(section, widths)))


def _section(section: Section, widths: Sequence[int]) -> Iterator[RenderableType]:
    yield Text(f"\n{section.title}", "bold")
    if section.figures:
        yield Text(_row(HEADS, widths), "dim")
    for figure in section.figures:
        verdict = {None: Text(""), True: Text("met", "green"), False: Text("NOT MET", "bold red")}[figure.met]
        yield Text.assemble(_row(_cells(figure), widths), "  ", verdict)
        if figure.note:
            yield Padding(Text(figure.note, "dim"), (0, 0, 0, 4))
    for words in section.notes:
        yield Padding(Text(words), (0, 0, 0, 2))
    for words in section.failures:
        yield Padding(Text(f"did not work: {words}", "bold red"), (0, 0, 0, 2))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    sides = (">" if number in NUMBERS else "<" for number in range(len(cells)))
    return "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(cells, sides, widths, strict=True))


def _cells(figure: Figure) -> tuple[str, ...]:
    goal = ""
    if figure.goal:
        goal = f"{'>=' if figure.goal.least else '<='} {number(figure.goal.limit)}"
    spread = f"{number(min(figure.values))} .. {number(max(figure.values))}"
    return f"  {figure.name}", number(figure.value), spread, figure.unit, goal


def number(value: float) -> str:
    """Format a number with about three digits."""
    if value == int(value) and abs(value) < 1000:
        return str(int(value))
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
