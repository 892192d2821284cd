"""What a victim waits for: a thread, the GIL of a process, an accept, a helper, or a file descriptor."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OnThread:
    """The thread that serves the victim's connection."""

    pid: int
    tid: int


@dataclass(frozen=True, slots=True)
class OnGil:
    """The GIL of a process, for which the thread that serves the victim waits."""

    pid: int


@dataclass(frozen=True, slots=True)
class OnHelper:
    """Any helper of a process: a thread or process that makes blocking calls on behalf of a loop."""

    pid: int


@dataclass(frozen=True, slots=True)
class OnAccept:
    """Any worker that accepts."""


@dataclass(frozen=True, slots=True)
class OnDescriptor:
    """A file descriptor, of which the process has none left for the victim."""


Target = OnThread | OnGil | OnHelper | OnAccept | OnDescriptor
ACCEPT = OnAccept()
DESCRIPTOR = OnDescriptor()
