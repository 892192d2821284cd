"""The first line of a stream or recording: what was observed, by which versions, and when."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec

Parameters = dict[str, str | int | float | bool | None]
"""The options of a run, by name."""
SCHEMA = 1
"""The version of the JSON Lines format."""


class StreamHeader(msgspec.Struct, tag_field="type", tag="header"):
    """The first line of a stream. Times are ns of the monotonic clock; `wall` is the time `at` in UTC."""

    schema: int
    at: int
    wall: str
    echo_tui: str
    python: str
    system: str
    target: str
    parameters: Parameters
    cores: int = 0
    dropped: int = 0
    """The number of earlier observations that were dropped; `begin` is then the time of the last one."""
    begin: int = 0


def new_header(target: str, parameters: Parameters, at: int) -> StreamHeader:
    """Return the first line of a stream that begins at a time (ns)."""
    wall = datetime.now(UTC).isoformat()
    python, system = platform.python_version(), platform.platform()
    cores = os.cpu_count() or 0
    return StreamHeader(SCHEMA, at, wall, version("echo-tui"), python, system, target, parameters, cores)
