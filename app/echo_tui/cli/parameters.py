"""The types of the command line's values: blocks, lists of names, numbers between two limits."""

import re
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem
from echo_servers.block import KINDS, BlockSetting
from echo_servers.catalog import BY_NAME
from echo_servers.server import BadRequest

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "": 1}
LONGEST = 24 * 3600.0
"""The longest run (s)."""
LONGEST_SPAN = 120
"""Seconds of an animation."""
COMPLETED = (2, 5, 20)
"""Seconds of a block that the completion offers."""


class ThemeParameter(click.ParamType[str]):
    """The name of a theme. The themes are known once the screen is imported, which rejects unknown names."""

    name = "NAME"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from textual.theme import BUILTIN_THEMES

        from echo_tui.tui.palette import THEMES

        names = [*(theme.name for theme in THEMES), *sorted(BUILTIN_THEMES)]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class BlockParameter(click.ParamType[BlockSetting]):
    """KIND:SECONDS of a blocking call."""

    name = "KIND:SECONDS"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        names = (f"{kind}:{seconds}" for kind in KINDS for seconds in COMPLETED)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> BlockSetting:
        if isinstance(value, BlockSetting):
            return value
        try:
            return BlockSetting.parse(value)
        except ValueError as refusal:
            raise click.UsageError(str(refusal)) from None


class ListParameter(click.ParamType[list[Any]]):
    """Names with commas between them."""

    name = "NAME,..."

    def __init__(self, found: Callable[[str], Any]) -> None:
        self.found = found

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Any]:
        try:
            return list(dict.fromkeys(self.found(name.strip()) for name in value.split(",")))
        except BadRequest as refusal:
            raise click.UsageError(str(refusal)) from None

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, last = incomplete.rpartition(",")
        names = KINDS if self.found is kind_of_block else BY_NAME
        return [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(last)]


class SpanParameter(click.ParamType[tuple[float, float]]):
    """FROM-TO in seconds."""

    name = "FROM-TO"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)", value)
        begin, end = (float(part) for part in found.groups()) if found else (0.0, 0.0)
        if not begin < end <= begin + LONGEST_SPAN:
            raise click.UsageError(f"--span {value}: FROM-TO in seconds, such as 2-9.5, {LONGEST_SPAN} s at most")
        return begin, end


class SecondsParameter(click.ParamType[float]):
    """How long a block of the matrix lasts."""

    name = "S"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = float(value)
        except ValueError:
            raise click.UsageError(f"seconds is a number, not {value!r}") from None
        if not 0.2 <= seconds <= 10:  # also excludes nan
            raise click.UsageError(f"seconds {value} is out of range: choose 0.2 to 10")
        return seconds


class DurationParameter(click.ParamType[float]):
    """A length of time in seconds, from 500ms, 10s or 2m; a number alone is seconds."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|)", str(value).strip())
        seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
        if not 0 < seconds <= LONGEST:
            raise click.UsageError(f"{value!r} is no length of time: write 500ms, 10s or 2m, up to 24h")
        return seconds


class LoadParameter(click.ParamType[tuple[float, int]]):
    """Messages a second and their size in bytes: 10 or 10x64k."""

    name = "RATE[xSIZE]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, int]:
        from echo_tui.tui.answers import rate

        if isinstance(value, tuple):
            return value
        try:
            return rate(value)
        except ValueError as refusal:
            raise click.UsageError(f"load {value!r}: {refusal}") from None


class NumberParameter(click.ParamType[int]):
    """A whole number between two limits."""

    name = "N"

    def __init__(self, least: int, most: int, what: str) -> None:
        self.least, self.most, self.what = least, most, what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = int(value)
        except ValueError:
            raise click.UsageError(f"{self.what} is a number, not {value!r}") from None
        if not self.least <= number <= self.most:
            raise click.UsageError(f"{self.what} {number} is out of range: choose {self.least} to {self.most}")
        return number


def kind_of_block(name: str) -> str:
    """A kind of block by its name. Raises BadRequest."""
    if name not in KINDS:
        raise BadRequest(f"unknown kind of block {name!r}: choose from {', '.join(KINDS)}")
    return name
