"""The description of a pattern: how it is shown, what serves connections, and whether it can run here."""

import functools
import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from echo_servers.block import BlockSetting
from echo_servers.server import Server

if TYPE_CHECKING:
    from pathlib import Path

BLOCKING = "blocking"
NON_BLOCKING = "non-blocking"
FAMILIES = (BLOCKING, NON_BLOCKING)
LOOP = "loop"
THREAD = "thread"
PROCESS = "process"
HUB = "hub"


@functools.cache
def is_installed(module: str) -> bool:
    """Return whether a module can be imported, without importing it."""
    return importlib.util.find_spec(module) is not None


@dataclass(frozen=True)
class Pattern:
    """An architecture of a socket server."""

    name: str
    module: str
    family: str
    title: str
    story: str
    watch: str
    blocking: str
    idle_calls: tuple[str, ...] = ("accept", "recv")
    """The calls in which its threads are idle: `accept`, `recv`, `poll` (select, epoll), or `spin`, which is none."""
    serves: bool = True
    workers: str = ""
    """What `--workers` sets the number of: the `threads` or `processes` that accept or that run the calls of others.
    Empty if there is no such number, as where a thread is started for each client."""
    block: BlockSetting | None = None
    serves_in: str = ""
    """What serves a connection: its own `thread`, its own single-threaded `process`, or a `loop`, in which one thread
    serves all connections of its process. Empty if the pattern serves nobody."""
    moves: tuple[str, ...] = ()
    """Kinds of block that do not block the serving thread, because they are moved away from it."""
    moves_to: str = ""
    """Where to: the `hub`, which waits for all patched calls, a `thread`, which shares the GIL, or a `process`."""
    shares: bool = False
    """Whether `--share` sets how its processes share one port."""
    needs: str = ""
    """The optional module that it needs."""

    @property
    def missing(self) -> str:
        """Why it can't run here, with the fix; empty if it can."""
        if not self.needs or is_installed(self.needs):
            return ""
        return f'needs {self.needs}: pip install "echo-tui[more]"'

    @property
    def source(self) -> "Path":
        """The file that shows the architecture."""
        from pathlib import Path  # a server needs none, and starts sooner without

        return Path(__file__).with_name("patterns") / f"{self.module}.py"

    def load(self) -> Callable[[Server], None]:
        """Return the function that runs this pattern endlessly."""
        serve: Callable[[Server], None] = importlib.import_module(f"echo_servers.patterns.{self.module}").serve
        return serve
