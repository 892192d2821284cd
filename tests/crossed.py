"""Parametrized cases of which only some run in each test run; `make test-all` runs all."""

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import pytest


def crossed(first: Iterable[Any], second: Iterable[Any], always: Callable[[Any, Any], bool]) -> list[Any]:
    """Return the product of both as parameters; cases for which `always` is false are marked slow."""
    return [
        pytest.param(one, other, id=f"{name(one)}-{name(other)}", marks=() if always(one, other) else pytest.mark.slow)
        for one, other in product(first, second)
    ]


def name(value: Any) -> str:
    """Return a value's part of a test id."""
    return str(getattr(value, "name", None) or getattr(value, "__name__", value))


def seldom_cases(all_of_them: Iterable[tuple[Any, ...]], *always: tuple[Any, ...]) -> list[Any]:
    """Do the same as `seldom` for cases of several parameters."""
    return [pytest.param(*case, marks=() if case in always else pytest.mark.slow) for case in all_of_them]


def seldom(all_of_them: Iterable[Any], *always: Any) -> list[Any]:
    """Return parameters marked slow, except those in `always`, which represent the others."""
    return [pytest.param(one, marks=() if one in always else pytest.mark.slow) for one in all_of_them]
