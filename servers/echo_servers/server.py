"""The arguments of every pattern: options, report and block."""

from dataclasses import dataclass, field, fields

from echo_servers.block import BlockPage
from echo_servers.report import Report

HOST = "127.0.0.1"
PORT = 37564
BACKLOG = 128
RECV_BYTES = 1024
SHARES = ("accept", "reuseport", "herd")
"""How processes that all accept share a port; the first is the default."""
USAGE = 2
"""The exit code for a request that can't be met."""


class BadRequest(Exception):
    """The server can't start as requested; the message is one sentence for the user."""


@dataclass(frozen=True)
class Options:
    """The options of a server; None leaves a choice to its pattern."""

    host: str = HOST
    port: int = PORT
    workers: int | None = None
    ceiling: int | None = None
    share: str | None = None
    print: bool = False
    """Whether a server that reports to a pipe prints its lines too."""

    def arguments(self) -> list[str]:
        """Return these options as command-line arguments."""
        given = ((f"--{option.name}", getattr(self, option.name)) for option in fields(self))
        asked = [(name, value) for name, value in given if value is not None and value is not False]
        return [word for name, value in asked for word in ((name,) if value is True else (name, str(value)))]


@dataclass
class Server:
    """One server about to run."""

    report: Report = field(default_factory=Report)
    block: BlockPage = field(default_factory=BlockPage)
    options: Options = field(default_factory=Options)
