"""The results of a benchmark: figures with their spread, compared with goals."""

import math
import statistics
from dataclasses import dataclass, field
from typing import Any


class DidNotWork(Exception):
    """The benchmark could not run; the message says why."""


@dataclass(frozen=True)
class Goal:
    """The limit for a figure; with `least` it is a minimum."""

    limit: float
    least: bool = False

    def met(self, value: float) -> bool:
        """Return whether a value keeps to the limit."""
        return value >= self.limit if self.least else value <= self.limit


@dataclass
class Figure:
    """One measured quantity, with a value for each round or try."""

    name: str
    unit: str
    values: list[float]
    goal: Goal | None = None
    note: str = ""
    shown: str = "median"
    raw: Any = None

    @property
    def value(self) -> float:
        """The median, or the percentile that the goal is about."""
        if self.shown == "median":
            return statistics.median(self.values)
        return percentile(self.values, float(self.shown.removeprefix("p")))

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        return self.goal.met(self.value) if self.goal else None

    def as_dict(self) -> dict[str, Any]:
        """Return the figure for the file, including its raw values."""
        return {
            "name": self.name,
            "unit": self.unit,
            "shown": self.shown,
            "value": self.value,
            "values": self.values,
            "goal": {"limit": self.goal.limit, "least": self.goal.least} if self.goal else None,
            "met": self.met,
            "note": self.note,
            "raw": self.raw,
        }


@dataclass(frozen=True)
class Effort:
    """How long and how often a benchmark measures."""

    rounds: int
    quick: bool

    def seconds(self, usual: float, quick: float) -> float:
        """Return the length of one measurement."""
        return quick if self.quick else usual

    def count(self, usual: int, quick: int) -> int:
        """Return the number of tries."""
        return quick if self.quick else usual


@dataclass
class Section:
    """The figures of one benchmark in order, and the failures that ended it."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """Add a figure."""
        self.figures.append(figure)

    def as_dict(self) -> dict[str, Any]:
        """Return the section for the file."""
        figures = [figure.as_dict() for figure in self.figures]
        return {"title": self.title, "figures": figures, "notes": self.notes, "failures": self.failures}


def percentile(values: list[float], percent: float) -> float:
    """Return the smallest value that is at least as large as `percent` percent of all values."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]
