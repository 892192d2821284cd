"""Measuring one cell: a real server, our own clients that ping by the clock, one message that blocks, and a newcomer.

The pings are an open loop: each is due by the clock, whether the echo before has come or not, and its round trip counts
from when it was due. So the time that a stalled server makes clients wait is in the figures, which a client that sends
only after the echo would leave out.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from echo_servers.block import BlockSetting
from echo_servers.catalog import Pattern
from echo_servers.plain import plain
from echo_servers.server import Options

from echo_tui.experiments.blame import blame
from echo_tui.experiments.cell import HALF, Cell, ClientMeasurements, Newcomer, RoundTrip, measurements_of
from echo_tui.experiments.expected import expected
from echo_tui.experiments.neighbours import both_sorts, neighbours, shares_processes
from echo_tui.experiments.parameters import (
    MOST,
    PATIENCE,
    PROCESSES,
    SAMPLE,
    SETTLES,
    SIZE,
    SOONEST,
    STEP,
    UNSERVED_AFTER,
    CellParameters,
)
from echo_tui.model.blocks import BlockSpan
from echo_tui.model.connection import Connection
from echo_tui.model.observations import ClientConnected, ClientEcho, Observation, Receiver
from echo_tui.run.driver import Driver
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan
from echo_tui.session.session import Session
from echo_tui.session.stall_snapshots import Snapshot


def unheard(found: Sequence[Observation]) -> None:
    """Do nothing with observations."""


class Unmeasured(Exception):
    """A cell can't be measured; the text says why."""


@dataclass(frozen=True)
class Measured:
    """A cell, the snapshots of its stalls by their numbers, and its session at the end."""

    cell: Cell
    stall_snapshots: Mapping[int, Snapshot] = field(default_factory=dict)
    session: Session | None = None

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot of the stall that the block caused."""
        return self.stall_snapshots.get(self.cell.blame.number) if self.cell.blame else None


def workers(pattern: Pattern, parameters: CellParameters) -> int | None:
    """Return the number of workers of a pool; None if there is no pool."""
    if shares_processes(pattern):
        return PROCESSES
    return parameters.pool_workers if pattern.workers else None


async def measure(pattern: Pattern, kind: str, parameters: CellParameters, heard: Receiver = unheard) -> Measured:
    """Measure one cell. A cell that can't be measured says why. `heard` is called with what is observed."""
    if not pattern.serves:
        return Measured(Cell(pattern.name, kind, "it serves nobody"))
    if pattern.missing:
        return Measured(Cell(pattern.name, kind, pattern.missing))
    try:
        async with _running(pattern, parameters, heard) as run:
            return await run.measure(BlockSetting(kind, parameters.seconds))
    except Unmeasured as why:
        return Measured(Cell(pattern.name, kind, str(why)))


async def measure_all(
    cells: Iterable[tuple[Pattern, str]], parameters: CellParameters, heard: Receiver = unheard
) -> AsyncIterator[Measured]:
    """Measure cells one after the other. `heard` is called with what is observed."""
    for pattern, kind in cells:
        yield await measure(pattern, kind, parameters, heard)


@asynccontextmanager
async def _running(pattern: Pattern, parameters: CellParameters, heard: Receiver) -> AsyncIterator["CellRun"]:
    run = CellRun(pattern, parameters, heard)
    try:
        yield run
    finally:
        # In a thread, because ending a server may take a while, in which the screen continues;
        # to the end, also when the measurement is cancelled.
        await asyncio.shield(asyncio.to_thread(run.live.close))


class CellRun:
    """One server with its clients, for one cell: one of them blocks, and the last one is the newcomer."""

    def __init__(self, pattern: Pattern, parameters: CellParameters, heard: Receiver = unheard) -> None:
        self.pattern, self.parameters, self._also = pattern, parameters, heard
        self.trips: dict[int, list[RoundTrip]] = {}
        self.connected: dict[int, int] = {}
        self.workers = workers(pattern, parameters)
        self.live = Live(Plan(options=Options(port=0, workers=self.workers)), self._heard)
        self.driver = Driver(self.live, turn=int(STEP * 1e9), resources=int(SAMPLE * 1e9))

    async def measure(self, setting: BlockSetting) -> Measured:
        blocker, *others = await self._begin()
        self.live.load(others, self.parameters.rate, SIZE)
        await self._served(others, UNSERVED_AFTER)
        since = time.monotonic_ns()
        await self._passes(SETTLES)
        span = await self._block(blocker, setting)
        last, came = await self._newcomer(span)
        await self._until(lambda: span.end, 3 * setting.seconds + PATIENCE, "the block did not end")
        await self._catch_up(others, span.end)
        return self._judge(setting, others, since, span, (last, came))

    async def _begin(self) -> list[int]:
        """Start the server without a block, and connect. Return the client that will block, and the others."""
        live = self.live
        live.start(self.pattern)
        live.arm(None)
        await self._until(lambda: live.session.server and live.session.server.listening_at, PATIENCE, self._silent())
        clients = live.open_clients(1)
        await self._until(lambda: self._accepted(1), PATIENCE, "the first client was not accepted")
        clients += live.open_clients(self.parameters.clients)
        await self._until(lambda: all(c in self.connected for c in clients), PATIENCE, "the others did not connect")
        return await self._neighbours(clients) if shares_processes(self.pattern) else clients

    async def _neighbours(self, clients: list[int]) -> list[int]:
        """Connect more clients until one shares its process with others. Return that one and the others, of `clients`.

        The kernel chooses the process of a connection. Clients beyond the wanted ones leave.
        """
        while True:
            await self._until(lambda: self._accepted(*clients), PATIENCE, "the others were not accepted")
            homes = {client: connection.pid for client in clients if (connection := self._connection(client))}
            chosen = neighbours(homes, self.parameters.clients)
            if both_sorts(homes, chosen) or len(clients) >= MOST:
                break
            clients.extend(self.live.open_clients(1))
        if surplus := [client for client in clients if client not in chosen]:
            self.live.close_clients(surplus)
            known = self.live.session.connections
            await self._until(lambda: len(known) == len(chosen), PATIENCE, "those that were too many did not leave")
        return chosen

    async def _served(self, clients: list[int], seconds: float) -> None:
        """Wait until all are served, or are clearly not."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not all(self.trips.get(client) for client in clients):
            await self._step()

    async def _block(self, blocker: int, setting: BlockSetting) -> BlockSpan:
        """Let this client's next message block. Return the blocking call as the server reports it."""
        connection = self._connection(blocker)
        assert connection
        self.live.arm(setting, only=int(connection.peer.rpartition(":")[2]))
        self.live.client_process.send([blocker], b"block\n")
        blocks = self.live.session.blocks.spans
        await self._until(lambda: blocks, PATIENCE, "the block did not begin")
        return blocks[0]

    async def _newcomer(self, span: BlockSpan) -> tuple[int, int]:
        """Open one more client that pings during the block. Return its number, and when it came (ns)."""
        comes = span.begin + int(SOONEST * span.seconds * 1e9)
        await self._passes((comes - time.monotonic_ns()) / 1e9)
        came = time.monotonic_ns()
        (last,) = self.live.open_clients(1)
        self.live.load([last], self.parameters.rate, SIZE)
        return last, came

    async def _catch_up(self, others: list[int], end: int) -> None:
        """Wait for the echoes of pings that were due before the end, from clients that were served at all."""
        late = [other for other in others if self.trips.get(other)]
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and not all(self.trips[other][-1].due >= end for other in late):
            await self._step()

    def _judge(
        self, setting: BlockSetting, others: list[int], since: int, span: BlockSpan, newcomer: tuple[int, int]
    ) -> Measured:
        measured = tuple(self._measurements_of(other, since, span) for other in others)
        stalls = self.live.session.stalls.all
        cell = Cell(
            self.pattern.name,
            setting.kind,
            asked=setting.seconds,
            lasted=(span.end - span.begin) / 1e9,
            others=measured,
            expected=tuple(expected(self.pattern, setting.kind, one.same_process) for one in measured),
            newcomer=self._came(*newcomer, span),
            blame=blame(stalls, span, time.monotonic_ns()),
            alone=shares_processes(self.pattern) and not any(one.same_process for one in measured),
            workers=self.workers,
        )
        return Measured(cell, self.live.stall_snapshots.kept, self.live.session)

    def _measurements_of(self, client: int, since: int, span: BlockSpan) -> ClientMeasurements:
        connection = self._connection(client)
        same = not connection or connection.pid in (0, span.pid)
        return measurements_of(self.trips.get(client, []), since, span.begin, span.end, same)

    def _came(self, client: int, at: int, span: BlockSpan) -> Newcomer:
        connected, trips, connection = self.connected.get(client), self.trips.get(client), self._connection(client)
        served = trips[0].at if trips else None
        return Newcomer(
            (connected - at) / 1e6 if connected else None,
            (served - at) / 1e6 if served else None,
            bool(served and served - at < HALF * (span.end - at)),
            connection.pid == span.pid if connection and connection.pid else None,
        )

    # Observations.

    def _heard(self, found: Sequence[Observation]) -> None:
        self._also(found)
        for one in found:
            if isinstance(one, ClientEcho):
                self.trips.setdefault(one.client, []).append(RoundTrip(one.at - one.rtt, one.at))
            elif isinstance(one, ClientConnected):
                self.connected.setdefault(one.client, one.at)

    async def _step(self) -> None:
        self.driver.turn()
        if not self.live.running:
            raise Unmeasured(self._silent())
        await asyncio.sleep(STEP)

    async def _passes(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await self._step()

    async def _until(self, condition: Callable[[], object], seconds: float, otherwise: str) -> None:
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                raise Unmeasured(otherwise)
            await self._step()

    def _silent(self) -> str:
        """Return why the server does not listen, in its own words if there are any."""
        if refusal := self.live.refusal():
            return plain(refusal)
        said = [line.text for line in self.live.session.printed.lines if line.stream == "stderr" and line.text.strip()]
        if said and not self.live.running:
            return f"the server ended: {plain(said[-1])}"
        return "the server did not come to listen, or ended"

    def _connection(self, client: int) -> Connection | None:
        known = self.live.session.clients.get(client)
        return known.connection if known else None

    def _accepted(self, *clients: int) -> bool:
        known = map(self._connection, clients)
        return all(connection and connection.accepted_at for connection in known)
