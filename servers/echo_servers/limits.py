"""Raising and lowering a process's own limits (setrlimit(2))."""

import contextlib
import resource
from collections.abc import Iterator

MANY = 10_240
"""Descriptors to request where the hard limit is higher than the kernel grants (macOS)."""


def raise_descriptor_limit() -> None:
    """Raise the soft limit of descriptors to the hard one: each client needs a descriptor.

    The usual soft limit of 1,024 is for programs that use select, whose own limit it hides.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, MANY):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return


def limit_address_space(wanted: int) -> None:
    """Lower this process's soft limit of address space to `wanted` bytes, where the system has such a limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limits = [limit for limit in (wanted, soft, hard) if limit != resource.RLIM_INFINITY]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))


@contextlib.contextmanager
def address_space_lifted() -> Iterator[int]:
    """Raise the soft limit for a while, because reporting a refusal needs memory. Yield the limit that was in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    try:
        yield soft
    finally:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
