"""The input of a panel: a session at one time, and what the user has chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from echo_servers.block import WORDS
from echo_servers.catalog import BY_NAME, Pattern
from echo_servers.fixes import Fix, fix
from echo_servers.pattern import PROCESS, THREAD

from echo_tui.diagnosis.stall import Stall
from echo_tui.diagnosis.targets import ACCEPT
from echo_tui.model.activity import NOTICEABLE, SECOND
from echo_tui.model.blocks import BlockSpan
from echo_tui.model.connection import Connection
from echo_tui.model.remembered import State
from echo_tui.model.server import BlockSwitch
from echo_tui.session.session import Session
from echo_tui.tour.progress import StepProgress
from echo_tui.tui.palette import Palette
from echo_tui.tui.playback import Playback
from echo_tui.tui.text import duration, elapsed, first_that_fits
from echo_tui.words import states


@dataclass(frozen=True)
class View:
    """The input of one drawing.

    `session` and its time `now` (ns) do not change while the screen is frozen; `live` continues, and `clock` is its
    time (ns). `pattern` is the one under the cursor; `started` is the session's, also after it has ended. `keys` maps
    the id of an action to its key.
    """

    session: Session
    now: int
    palette: Palette
    pattern: Pattern | None
    started: Pattern | None
    live: Session
    clock: int
    keys: Mapping[str, str]
    client: int | None
    frozen: bool
    span: int = 30 * SECOND
    """How far back (ns) the timeline reaches."""
    chosen_stall: int | None = None
    """The number of the stall whose snapshot is shown."""
    strace_view: bool = False
    """Whether the server's system calls are shown."""
    expanded: str | None = None
    usable: bool = False
    """Whether there is a client of ours that was not closed on purpose."""
    pictured: bool = False
    """Whether there are stall snapshots to go back to."""
    lan: str = ""
    """This machine's address in its network; empty if it has none."""
    share: str = ""
    """How several processes share the port: one of `SHARES`."""
    origin: Session | None = None
    """The session that `session` is a snapshot of, if it comes from the matrix; else None."""
    starts: bool = True
    """Whether the server was started here; else it is only observed."""
    badge: str = ""
    """What kind of session it is, if it is no live one of this machine."""
    ended: bool = False
    """Whether nothing more comes from the other machine."""
    on_stage: bool = False
    """Whether the layout for an audience is shown."""
    steps: StepProgress | None = None
    """How far the steps of the live session are; None before the first server."""
    before: str = ""
    """The longest stall of the pattern before, in words; empty if there is none."""
    following: Pattern | None = None
    """The next scene of the talk."""
    note: str = ""
    """The speaker's note on the present scene."""
    scene_recorded: bool = False
    """Whether there is a recording of the present scene to swap for the live run."""
    playback: Playback | None = None
    """How far a recording has been played; None for another session."""
    texts: Mapping[str, str] | None = None
    """The source files of a recording or stream, by name; None where they are read from this machine's disk."""

    @cached_property
    def waits(self) -> bool:
        """Whether something waits, or a stall or a blocking call is open, so that durations on screen change."""
        session = self.session
        return bool(session.blocks.running or session.clients.opening or session.stalls.going or self.pending)

    @cached_property
    def pending(self) -> dict[int, int]:
        """Since when (ns) each connection that waits has waited, by the connection's number."""
        found = ((connection.number, connection.pending_since) for connection in self.session.connections.values())
        return {number: since for number, since in found if since}

    @property
    def tenth(self) -> int:
        """The time in tenths of a second while durations on screen change, else 0; used in fingerprints."""
        return self.now // 100_000_000 if self.waits else 0

    @cached_property
    def stall(self) -> Stall | None:
        """The stall in focus: the one whose snapshot is shown, else the open one that began first.

        Stalls of the accept queue come after all others. None if there is no such stall.
        """
        stalls = self.session.stalls
        if self.chosen_stall is not None:
            return next((self.whole(stall) for stall in stalls.all if stall.number == self.chosen_stall), None)
        return min(
            (s for s in stalls.going.values() if not s.end), key=lambda s: (s.target == ACCEPT, s.begin), default=None
        )

    @property
    def workers(self) -> int:
        """The number of threads that serve, as far as they are known."""
        return len(self.session.workers)

    @property
    def died(self) -> bool:
        """Whether the server ended without having been asked to."""
        server = self.session.server
        return bool(server and server.exited_at and not server.wanted)

    @property
    def instead(self) -> str:
        """The panel that replaces those about the server; empty if there is a server, was one, or it runs elsewhere."""
        if self.badge:
            return ""
        if self.session.server is None:
            return "welcome"
        return "ended" if self.died else ""

    @property
    def block(self) -> BlockSwitch:
        """The block whose fix is offered: that of the snapshot from the matrix, or the current one."""
        return (self.session if self.origin else self.live).block

    @property
    def to_fix(self) -> Pattern | None:
        """The pattern whose block is to be fixed: that of the snapshot from the matrix, or the one that ran last.

        Before any pattern has run, it is the one under the cursor.
        """
        server = (self.session if self.origin else self.live).server
        return BY_NAME.get(server.pattern) if server else self.pattern

    @cached_property
    def goes_on(self) -> Session:
        """The session that continues the one on screen: that of the matrix cell, or the live one."""
        return self.origin or self.live

    def whole(self, stall: Stall) -> Stall:
        """Return the chosen stall as it is known now, including an end after the snapshot.

        If it is no longer kept, it ends with the snapshot. Other stalls are returned as they are in the snapshot.
        """
        if not self.frozen or stall.end or stall.number != self.chosen_stall:
            return stall
        known = (each for each in reversed(self.goes_on.stalls.all) if each.number == stall.number)
        return next(known, None) or replace(stall, end=self.now)

    def lasted(self, stall: Stall) -> int:
        """Return how long (ns) a stall lasted, or has lasted so far; every panel shows this value."""
        return self.whole(stall).lasted(self.clock if stall.number == self.chosen_stall else self.now)

    def length(self, stall: Stall) -> str:
        """Return the length of a stall in words; to a tenth of a second while it still grows."""
        counts_on = not self.whole(stall).end and (not self.frozen or stall.number == self.chosen_stall)
        return (elapsed if counts_on else duration)(self.lasted(stall))

    def waited(self, connection: Connection) -> int | None:
        """Return how long (ns) a connection has waited to be accepted or for an echo; None if it waits for neither."""
        since = connection.pending_since
        return max(self.now - since, 0) if since else None

    def state(self, connection: Connection, width: int) -> str:
        """Return the state of a connection in at most `width` cells: what it waits for, or which call it makes."""
        if span := self.call_of(connection):
            lasted, free = elapsed(max(self.now - span.begin, 0)), span.cooperative or span.by_helper
            elsewhere = states.elsewhere(self.moved_to_helpers) if free else ""
            return first_that_fits(states.calls(WORDS.get(span.kind, span.kind), lasted, elsewhere), width)
        state, waited = self.condition(connection)
        if waited is None:
            return states.connection(state)
        blocker = self.session.blocks.affecting(connection.pid, connection.tid) if state in WAITS_FOR_A_CALL else None
        whom = self.session.connections.get(blocker.connection) if blocker else None
        return first_that_fits(states.lasting(state, elapsed(waited), name(whom) if whom else ""), width)

    @property
    def moved_to_helpers(self) -> bool:
        """Whether blocking calls of the started pattern are made by threads or processes that serve nobody."""
        return bool(self.started and self.started.moves_to in (PROCESS, THREAD))

    def call_of(self, connection: Connection) -> BlockSpan | None:
        """Return the injected blocking call that the handler of a connection is in; None if it is in none."""
        return self.session.blocks.running.get(connection.key) if connection.key else None

    def condition(self, connection: Connection) -> tuple[State, int | None]:
        """Return the state to show for a connection, and how long (ns) it has waited; None if it does not wait.

        A wait shorter than `NOTICED` counts as ordinary service, except in the accept queue.
        """
        state, waited = connection.state, self.waited(connection)
        if waited is not None and (state is State.QUEUED or waited >= NOTICED):
            return state, waited
        if state in (State.QUIET, State.WAITING) and (since := self.session.thread_blocked_since(connection)):
            return State.THREAD_BLOCKED, max(self.now - since, 0)
        return (State.QUIET if state is State.WAITING else state), None

    def since_start(self, at: int) -> int:
        """Convert a time to nanoseconds since the start of the server; 0 before one has started."""
        return at - self.session.server.started_at if self.session.server else 0


WAITS_FOR_A_CALL = (State.WAITING, State.THREAD_BLOCKED)
"""The states of a connection that a blocking call of another one may explain."""
NOTICED = NOTICEABLE
"""A wait shorter than this (ns) is ordinary service, and not shown as waiting."""


def name(connection: Connection) -> str:
    """Return what a connection is called where another one is described: the number of our client, or its own."""
    return f"[{connection.client}]" if connection.client is not None else f"#{connection.number}"


def fix_now(view: View) -> Fix | None:
    """Return the fix that its key applies; None if there is none, or while stdout is held, which no pattern fixes."""
    if not view.to_fix or (view.live.printed.held and not view.origin):
        return None
    return fix(view.to_fix, view.block.kind)
