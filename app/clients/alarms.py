"""Who is to be woken when: one alarm for each client."""

import heapq

SLACK = 64


class Alarms:
    """Moments of the monotonic clock (ns) by client number."""

    def __init__(self) -> None:
        self._at: dict[int, int] = {}
        self._heap: list[tuple[int, int]] = []

    def set(self, client: int, at: int) -> None:
        """Wake this client at `at`, instead of when it was to be woken before."""
        if self._at.get(client) == at:
            return
        self._at[client] = at
        heapq.heappush(self._heap, (at, client))
        # Alarms that were moved leave their old entries behind.
        if len(self._heap) > 2 * len(self._at) + SLACK:
            self._heap = [(at, client) for client, at in self._at.items()]
            heapq.heapify(self._heap)

    def cancel(self, client: int) -> None:
        """Don't wake this client."""
        self._at.pop(client, None)

    def next(self) -> int | None:
        """When the next client is to be woken."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def ring(self, now: int) -> list[int]:
        """The clients that are due, the earliest first; their alarms are over."""
        due = []
        while (at := self.next()) is not None and at <= now:
            client = heapq.heappop(self._heap)[1]
            del self._at[client]
            due.append(client)
        return due
