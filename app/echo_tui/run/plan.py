"""The options of a run."""

from dataclasses import dataclass, field

from echo_servers.block import BlockSetting
from echo_servers.catalog import Pattern
from echo_servers.server import Options


@dataclass(frozen=True)
class Plan:
    """The options that a run begins with."""

    pattern: Pattern | None = None
    options: Options = field(default_factory=Options)
    block: BlockSetting | None = None
    clients: int = 0
    reports: bool = True
    """Whether the server reports what it does; if not, that is inferred from the kernel's evidence."""
    stall_after: int | None = None
    """How many milliseconds work must wait to be a stall; None for the default."""
