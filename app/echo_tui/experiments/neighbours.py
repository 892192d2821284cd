"""Which client blocks, and which ones are observed, where each of several processes serves several clients."""

from collections.abc import Mapping

from echo_servers.pattern import PROCESS, Pattern


def shares_processes(pattern: Pattern) -> bool:
    """Return whether there are several processes that serve several clients each, so that placement matters."""
    return pattern.workers == "processes" and PROCESS not in (pattern.serves_in, pattern.moves_to)


def neighbours(homes: Mapping[int, int], others: int) -> list[int]:
    """Choose, by the process that serves each client, one client to block and so many others.

    It is in the fullest process, as are all others but one, as far as possible.
    """
    fullest = max((_within(homes, pid) for pid in homes.values()), key=len)
    elsewhere = [client for client in homes if client not in fullest]
    within = fullest[1 : 1 + others - (1 if elsewhere and others > 1 else 0)]
    return [fullest[0], *within, *elsewhere[: others - len(within)]]


def both_sorts(homes: Mapping[int, int], chosen: list[int]) -> bool:
    """Return whether all others but one share the process of the first; or all, if there is only one process."""
    blocker, *others = chosen
    sharing = sum(homes[other] == homes[blocker] for other in others)
    return sharing == max(len(others) - 1, 1)


def _within(homes: Mapping[int, int], process: int) -> list[int]:
    return [client for client, pid in homes.items() if pid == process]
