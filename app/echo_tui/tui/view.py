"""The input of a panel: a session at a time, and what the user has chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from echo_servers.catalog import BY_NAME, Pattern
from echo_servers.fixes import Fix, fix

from echo_tui.diagnosis.stall import Stall
from echo_tui.diagnosis.targets import ACCEPT
from echo_tui.model.activity import NOTICEABLE, SECOND
from echo_tui.model.connection import Connection, State
from echo_tui.model.server import BlockSwitch
from echo_tui.model.session import Session
from echo_tui.tui.palette import Palette
from echo_tui.tui.text import duration, elapsed
from echo_tui.words import states


@dataclass(frozen=True)
class View:
    """What is drawn.

    `session` at the time `now` (ns) does not change while the screen is frozen; `live` continues, and `clock` is its
    time. `pattern` is the one under the cursor, `started` that of the session, also after its end. `keys` has the key
    of an action by its id.
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
    """Whether any of our clients was not closed on purpose."""
    pictured: bool = False
    """Whether there are snapshots of stalls to go back to."""
    share: str = ""
    """How processes that share one port were asked to do it."""
    origin: Session | None = None
    """The session that `session` was frozen from, if that is not the live one."""

    @cached_property
    def waits(self) -> bool:
        """Whether somebody waits, or a stall or a blocking call lasts, so that times on screen change."""
        session = self.session
        news = session.blocks.running or session.clients.opening or session.stalls.going
        return bool(news) or any(c.pending_since for c in session.connections.values())

    @property
    def tenth(self) -> int:
        """The time in tenths of a second while durations on screen change, else 0; for fingerprints."""
        return self.now // 100_000_000 if self.waits else 0

    @cached_property
    def stall(self) -> Stall | None:
        """The stall in focus: the one whose snapshot is shown, or the longest open one."""
        stalls = self.session.stalls
        if self.chosen_stall is not None:
            return next((self.whole(stall) for stall in stalls.all if stall.number == self.chosen_stall), None)
        return min(
            (s for s in stalls.going.values() if not s.end), key=lambda s: (s.target == ACCEPT, s.begin), default=None
        )

    @property
    def block(self) -> BlockSwitch:
        """The block whose fix is offered: that of the snapshot from the matrix, or the current one."""
        return (self.session if self.origin else self.live).block

    @property
    def to_fix(self) -> Pattern | None:
        """The pattern whose block is to be fixed: that of the snapshot from the matrix, or the one that ran last.

        Before any has run it is the one under the cursor.
        """
        server = (self.session if self.origin else self.live).server
        return BY_NAME.get(server.pattern) if server else self.pattern

    @cached_property
    def goes_on(self) -> Session:
        """The session that knows how what is on screen went on."""
        return self.origin or self.live

    def whole(self, stall: Stall) -> Stall:
        """Return the chosen stall as it is known now, with an end that came after the snapshot.

        Other stalls stay as they were at the time of the snapshot, and so does one that is no longer kept.
        """
        if not self.frozen or stall.end or stall.number != self.chosen_stall:
            return stall
        known = (each for each in reversed(self.goes_on.stalls.all) if each.number == stall.number)
        return next(known, None) or replace(stall, end=self.now)

    def lasted(self, stall: Stall) -> int:
        """How long (ns) a stall was, or has been: the same wherever it is shown."""
        return self.whole(stall).lasted(self.clock if stall.number == self.chosen_stall else self.now)

    def length(self, stall: Stall) -> str:
        """The same in words; only to a tenth of a second while it counts on."""
        counts_on = not self.whole(stall).end and (not self.frozen or stall.number == self.chosen_stall)
        return (elapsed if counts_on else duration)(self.lasted(stall))

    def waited(self, connection: Connection) -> int | None:
        """How long (ns) a connection has been waiting for something; None if it is not."""
        since = connection.pending_since
        return max(self.now - since, 0) if since else None

    def state(self, connection: Connection) -> str:
        """What a connection is doing, in words, with how long it has been waiting."""
        state, lasted = self.condition(connection)
        if lasted is not None:
            return f"{states.connection(state)} {elapsed(lasted)}"
        return states.connection(state)

    def condition(self, connection: Connection) -> tuple[State, int | None]:
        """A connection's state as a person would see it, and how long (ns) it has had to wait in it, if at all."""
        state, waited = connection.state, self.waited(connection)
        if waited is not None and (state is State.QUEUED or waited >= NOTICED):
            return state, waited
        if state in (State.QUIET, State.WAITING) and (since := self.session.held_since(connection)):
            return State.HELD, max(self.now - since, 0)
        return (State.QUIET if state is State.WAITING else state), None

    def since_start(self, at: int) -> int:
        """Return a time as time since the start of the run (ns)."""
        return at - self.session.server.started_at if self.session.server else 0


NOTICED = NOTICEABLE
"""A wait (ns) shorter than this is ordinary service, and not shown as waiting."""


def fix_now(view: View) -> Fix | None:
    """Where the key for the fix goes; None where it has nothing to do, or where stdout is what holds."""
    if not view.to_fix or (view.live.printed.held and not view.origin):
        return None
    return fix(view.to_fix, view.block.kind)
