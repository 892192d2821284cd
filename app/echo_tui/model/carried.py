"""Of observations that are dropped, those that later ones depend on, so that a session can be folded from there."""

from collections.abc import Callable, Hashable, Iterable
from typing import Any

from echo_servers.records import Bye, Listening, New, Serve, WorkerStarted

from echo_tui.model import observations as seen
from echo_tui.model.evidence import Thread
from echo_tui.model.observations import Observation, ThreadSample

MOST = 50_000
"""The limit of observations of one type that are carried, should the end of what they describe be lost."""


def _only(_: Any) -> Hashable:
    return 0


def _client(o: Any) -> Hashable:
    return int(o.client)


KEYS: dict[type, Callable[[Any], Hashable]] = {
    seen.ServerStarted: _only,
    seen.ServerExited: _only,
    seen.StallAfter: _only,
    seen.BlockSet: _only,
    seen.OutputHeld: _only,
    seen.IdleCalls: _only,
    Listening: _only,
    WorkerStarted: lambda o: (o.pid, o.tid),
    New: lambda o: (o.pid, o.conn),
    Serve: lambda o: (o.pid, o.conn),
    seen.ProcessSample: lambda o: o.pid,
    seen.Unavailable: lambda o: o.what,
    seen.SourceText: lambda o: o.file,
    seen.ClientOpening: _client,
    seen.ClientConnected: _client,
    seen.ClientUnconnected: _client,
    seen.ClientManners: _client,
    seen.ClientLoad: _client,
    seen.ClientClosed: _client,
}
"""The types that are carried: the latest observation for each key."""
KEPT = (seen.SourceText,)
"""Those that outlast a session."""


class Carried:
    """The observations that are carried, in their order."""

    def __init__(self) -> None:
        self.dropped = 0
        """The number of observations that are neither here nor to come."""
        self._number = 0
        self._latest: dict[type, dict[Hashable, tuple[int, Observation]]] = {}
        self._threads: dict[tuple[int, int], Thread] = {}
        self._sample: tuple[int, ThreadSample] | None = None

    def drop(self, found: Iterable[Observation]) -> None:
        """Carry what later observations depend on, in place of these."""
        for one in found:
            self._number += 1
            self._drop(one)
        self.dropped = self._number - len(self.observations())

    def observations(self) -> list[Observation]:
        """Return what is carried, oldest first."""
        numbered = [entry for entries in self._latest.values() for entry in entries.values()]
        if self._sample:
            number, sample = self._sample
            threads = list(self._threads.values())
            numbered.append((number, ThreadSample(sample.at, threads, [], sample.count, sample.interval)))
        return [one for _, one in sorted(numbered, key=lambda entry: entry[0])]

    def _drop(self, one: Observation) -> None:
        match one:
            case seen.SessionBegan():
                self._latest = {kind: self._latest[kind] for kind in KEPT if kind in self._latest}
                self._threads, self._sample = {}, None
                self._latest[seen.SessionBegan] = {0: (self._number, one)}
            case ThreadSample():
                self._threads.update({(thread.pid, thread.tid): thread for thread in one.threads})
                for key in one.gone:
                    self._threads.pop(key, None)
                self._sample = (self._number, one)
            case Bye():
                self._forget((New, Serve), (one.pid, one.conn))
            case seen.ProcessGone():
                for kind in (WorkerStarted, New, Serve):
                    entries = self._latest.get(kind, {})
                    self._forget((kind,), *[key for key in entries if isinstance(key, tuple) and key[0] == one.pid])
                self._forget((seen.ProcessSample,), one.pid)
            case _ if key_of := KEYS.get(type(one)):
                self._carry(one, key_of(one))

    def _carry(self, one: Observation, key: Hashable) -> None:
        entries = self._latest.setdefault(type(one), {})
        entries.pop(key, None)
        entries[key] = (self._number, one)
        if len(entries) > MOST:
            del entries[next(iter(entries))]

    def _forget(self, kinds: tuple[type, ...], *keys: Hashable) -> None:
        for kind in kinds:
            for key in keys:
                self._latest.get(kind, {}).pop(key, None)
