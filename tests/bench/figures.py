"""What a benchmark gives: figures with their spread, and the goals beside them."""

import math
import statistics
from dataclasses import dataclass, field
from typing import Any


class DidNotWork(Exception):
    """What was to be measured did not run at all; the text says what happened."""


@dataclass(frozen=True)
class Goal:
    """The issue's limit for a figure; `least` tells whether more is better."""

    limit: float
    least: bool = False

    def met(self, value: float) -> bool:
        """Whether a median keeps to the limit."""
        return value >= self.limit if self.least else value <= self.limit


@dataclass
class Figure:
    """One measured thing: a value for each round, or for each try."""

    name: str
    unit: str
    values: list[float]
    goal: Goal | None = None
    note: str = ""
    shown: str = "median"
    raw: Any = None

    @property
    def value(self) -> float:
        """The value that counts: the median, or the percentile that the goal speaks of."""
        if self.shown == "median":
            return statistics.median(self.values)
        return percentile(self.values, float(self.shown.removeprefix("p")))

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        return self.goal.met(self.value) if self.goal else None

    def as_dict(self) -> dict[str, Any]:
        """The figure as it is written to a file, raw numbers included."""
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
        """The length of one measurement."""
        return quick if self.quick else usual

    def count(self, usual: int, quick: int) -> int:
        """How often something is tried."""
        return quick if self.quick else usual


@dataclass
class Section:
    """The figures of one benchmark, in the order in which they came, and why it broke off if it did."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """Keep a figure."""
        self.figures.append(figure)

    def as_dict(self) -> dict[str, Any]:
        """The section as it is written to a file."""
        figures = [figure.as_dict() for figure in self.figures]
        return {"title": self.title, "figures": figures, "notes": self.notes, "failures": self.failures}


def percentile(values: list[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]
