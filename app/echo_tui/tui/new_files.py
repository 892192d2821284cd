"""Files that a key saves: each is new, also if two dashboards save in the same directory in the same second."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
LAST = 1000
"""The number of names that are tried."""


def save_new(folder: Path, name: str, suffix: str, write: Callable[[Path], T]) -> tuple[Path, T]:
    """Write a new file, which gets a number if its name is used. Return its path and what `write` has returned.

    Raises OSError; what was written until then is removed.
    """
    path = _new_file(folder, name, suffix)
    try:
        return path, write(path)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _new_file(folder: Path, name: str, suffix: str) -> Path:
    for number in range(1, LAST):
        path = folder / (f"{name}{suffix}" if number == 1 else f"{name}-{number}{suffix}")
        try:
            path.touch(0o600, exist_ok=False)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(0, f"all names from {name}{suffix} on are used")
