"""Whom a victim waits for: a thread, the GIL of a process, anybody who accepts, a helper, or a descriptor."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OnThread:
    """The thread that serves the victim's connection."""

    pid: int
    tid: int


@dataclass(frozen=True, slots=True)
class OnGil:
    """A thread that waits for the GIL of its process."""

    pid: int


@dataclass(frozen=True, slots=True)
class OnHelper:
    """Any helper of a process: a thread or process that makes blocking calls in place of a loop."""

    pid: int


@dataclass(frozen=True, slots=True)
class OnAccept:
    """Anybody who accepts."""


@dataclass(frozen=True, slots=True)
class OnDescriptor:
    """A file descriptor: the process has none for the victim."""


Target = OnThread | OnGil | OnHelper | OnAccept | OnDescriptor
ACCEPT = OnAccept()
DESCRIPTOR = OnDescriptor()
