"""Who is to block, and who looks on, where each of several processes serves several clients (pure)."""

from collections.abc import Mapping

from echo_servers.pattern import PROCESS, Pattern


def shares_processes(pattern: Pattern) -> bool:
    """Whether there are several processes, each of which serves several clients: then it matters who is in which."""
    return pattern.workers == "processes" and PROCESS not in (pattern.serves_in, pattern.moves_to)


def neighbours(homes: Mapping[int, int], others: int) -> list[int]:
    """Of clients, by the process that serves each: one that is to block, and then so many others.

    It is one of the fullest process, and so are the others, but for one that is somewhere else; as far as can be had.
    """
    fullest = max((_within(homes, pid) for pid in homes.values()), key=len)
    elsewhere = [client for client in homes if client not in fullest]
    within = fullest[1 : 1 + others - (1 if elsewhere and others > 1 else 0)]
    return [fullest[0], *within, *elsewhere[: others - len(within)]]


def both_sorts(homes: Mapping[int, int], chosen: list[int]) -> bool:
    """Whether all of the others but one share the process of the first; or all, if it is only one."""
    blocker, *others = chosen
    sharing = sum(homes[other] == homes[blocker] for other in others)
    return sharing == max(len(others) - 1, 1)


def _within(homes: Mapping[int, int], process: int) -> list[int]:
    return [client for client, pid in homes.items() if pid == process]
