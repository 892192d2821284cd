"""The figures as a table."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from tests.bench.figures import Figure, Section


def table(sections: Iterable[Section]) -> Table:
    """Return a table with a row for each figure: name, median, spread, goal, and whether it is met."""
    shown = Table(title="echo-tui: how fast", title_justify="left", show_edge=False, pad_edge=False, box=None)
    shown.add_column("", no_wrap=True)
    shown.add_column("median", justify="right")
    shown.add_column("min .. max", justify="right", no_wrap=True)
    shown.add_column("", no_wrap=True)
    shown.add_column("goal", justify="right", no_wrap=True)
    shown.add_column("", no_wrap=True)
    shown.add_column("note", overflow="fold")
    for section in sections:
        shown.add_row()
        shown.add_row(Text(section.title, "bold"))
        for figure in section.figures:
            shown.add_row(*_row(figure))
        for words in section.notes:
            shown.add_row(Text(f"  {words}"))
        for words in section.failures:
            shown.add_row(Text(f"  did not work: {words}", "bold red"))
    return shown


def _row(figure: Figure) -> list[str | Text]:
    goal = ""
    if figure.goal:
        goal = f"{'>=' if figure.goal.least else '<='} {number(figure.goal.limit)}"
    verdict = {None: Text(""), True: Text("met", "green"), False: Text("NOT MET", "bold red")}[figure.met]
    return [
        Text(f"  {figure.name}"),
        Text(number(figure.value), "bold"),
        f"{number(min(figure.values))} .. {number(max(figure.values))}",
        figure.unit,
        goal,
        verdict,
        Text(figure.note, "dim"),
    ]


def number(value: float) -> str:
    """Format a number with about three digits."""
    if value == int(value) and abs(value) < 1000:
        return str(int(value))
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
