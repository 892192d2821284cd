"""Who is to be woken when: one alarm for each client."""

import heapq


class Alarms:
    """Moments of the monotonic clock (ns) by client number. Many clients share a moment, as chatter does."""

    def __init__(self) -> None:
        self._at: dict[int, int] = {}
        self._clients: dict[int, list[int]] = {}
        self._moments: list[int] = []

    def set(self, client: int, at: int) -> None:
        """Wake this client at `at`, instead of when it was to be woken before."""
        before = self._at.get(client)
        if before == at:
            return
        if before is not None:
            self.cancel(client)
        self._at[client] = at
        if at in self._clients:
            self._clients[at].append(client)
        else:
            self._clients[at] = [client]
            heapq.heappush(self._moments, at)

    def cancel(self, client: int) -> None:
        """Don't wake this client."""
        at = self._at.pop(client, None)
        if at is not None:
            self._clients[at].remove(client)

    def next(self) -> int | None:
        """The next moment for which somebody asked, though nobody may want it any more."""
        return self._moments[0] if self._moments else None

    def ring(self, now: int) -> list[int]:
        """The clients that are due, the earliest first; their alarms are over."""
        due: list[int] = []
        while self._moments and self._moments[0] <= now:
            due += self._clients.pop(heapq.heappop(self._moments))
        for client in due:
            del self._at[client]
        return due
