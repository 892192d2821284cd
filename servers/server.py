"""What every pattern is given: where to listen, how many workers, whom to report to, and the block."""

from dataclasses import dataclass, field

from servers.block import BlockPage
from servers.report import Report

HOST = "127.0.0.1"
PORT = 37564
BACKLOG = 128
RECV_BYTES = 1024


class BadRequest(Exception):
    """The server can't start as asked; the text is one sentence for the user."""


@dataclass
class Server:
    """One server about to run."""

    report: Report = field(default_factory=Report)
    block: BlockPage = field(default_factory=BlockPage)
    host: str = HOST
    port: int = PORT
    workers: int | None = None
    ceiling: int | None = None
