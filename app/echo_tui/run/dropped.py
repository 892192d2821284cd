"""Observations omitted from a stream because its reader is slow, summed up so that totals stay exact."""

from collections.abc import Iterable, Sequence

from echo_servers.records import Bye, Echo, Listening, Lost, New, Recv, Reported, Send, count_loss

from echo_tui.model.observations import (
    ClientEcho,
    ClientSent,
    ClientsLost,
    CoresSample,
    Counts,
    Lag,
    Observation,
    Output,
    ProcessSample,
    ServerExited,
    ServerStarted,
    SessionBegan,
    SocketSample,
    StackSample,
    SystemCalls,
    ThreadSample,
)

OF_CLIENTS = (ClientSent, ClientEcho)
OFTEN = (
    *(New, Bye, Recv, Send, Echo, Counts),
    *OF_CLIENTS,
    *(SocketSample, ThreadSample, StackSample, ProcessSample, CoresSample, Lag, Output, SystemCalls),
)
"""Frequent observations that a session can do without."""
ESSENTIAL = (SessionBegan, ServerStarted, ServerExited, Listening, Lost, ClientsLost)
"""Observations without which a session can't be understood and losses would not be counted."""


class Dropped:
    """What was omitted since it was last reported."""

    def __init__(self) -> None:
        self.total = 0
        """The number of observations omitted in the whole run, including samples."""
        self._lost: dict[int, Lost] = {}
        self._of_clients = 0

    def thin(self, found: Iterable[Observation], hard: bool = False) -> list[Observation]:
        """Omit the frequent observations, and return the rest, without which a session would not be understood.

        If there is no room even for that (`hard`), only observations of a server's begin and end are kept.
        """
        kept: list[Observation] = []
        for one in found:
            if isinstance(one, ESSENTIAL) or not (hard or isinstance(one, OFTEN)):
                kept.append(one)
                continue
            if isinstance(one, Reported | Counts):
                self._lose(one)
            elif isinstance(one, OF_CLIENTS):
                self._of_clients += 1
            self.total += 1
        return kept

    def losses(self, at: int) -> Sequence[Observation]:
        """Return observations that report to a session what was omitted until a time (ns); empty if nothing was."""
        lost: list[Observation] = list(self._lost.values())
        if self._of_clients:
            lost.append(ClientsLost(at, self._of_clients))
        self._lost, self._of_clients = {}, 0
        return lost

    def _lose(self, one: Reported | Counts) -> None:
        lost = self._lost.setdefault(one.pid, Lost(one.at, one.pid, one.pid))
        lost.at = one.at
        if not isinstance(one, Counts):
            count_loss(lost, one)
            return
        for _, echoes, size, _ in one.rows:
            lost.events += 2 * echoes
            lost.recv += echoes
            lost.recv_bytes += size
            lost.send += echoes
            lost.send_bytes += size
