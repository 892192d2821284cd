"""Every pattern with every way, kind or case: part of it in each run of the tests, all of it in `make test-all`."""

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import pytest


def crossed(first: Iterable[Any], second: Iterable[Any], always: Callable[[Any, Any], bool]) -> list[Any]:
    """Each of the first with each of the second, as parameters; those that are not run `always` are marked slow."""
    return [
        pytest.param(one, other, id=f"{name(one)}-{name(other)}", marks=() if always(one, other) else pytest.mark.slow)
        for one, other in product(first, second)
    ]


def name(value: Any) -> str:
    """What it is called in the name of a test."""
    return str(getattr(value, "name", None) or getattr(value, "__name__", value))


def seldom_cases(all_of_them: Iterable[tuple[Any, ...]], *always: tuple[Any, ...]) -> list[Any]:
    """The same as `seldom`, for several parameters at a time."""
    return [pytest.param(*case, marks=() if case in always else pytest.mark.slow) for case in all_of_them]


def seldom(all_of_them: Iterable[Any], *always: Any) -> list[Any]:
    """Parameters of which all but some are marked slow: where one shows what others of its sort do."""
    return [pytest.param(one, marks=() if one in always else pytest.mark.slow) for one in all_of_them]
