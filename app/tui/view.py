"""What a panel is given to draw: a session at a moment, and what the person at the keyboard has chosen."""

from dataclasses import dataclass

from app.session.connection import Connection, State
from app.session.session import Session
from app.tui.palette import Palette
from app.tui.text import duration
from servers.catalog import Pattern

STATE_WORDS = {State.QUEUED: "not accepted", State.WAITING: "waiting", State.HELD: "held"}


@dataclass(frozen=True)
class View:
    """A picture's subject. `now` is the moment shown (ns), which stands still while the screen is frozen."""

    session: Session
    now: int
    palette: Palette
    pattern: Pattern | None
    running: Pattern | None
    client: int | None
    frozen: bool

    def waited(self, connection: Connection) -> int | None:
        """How long (ns) a connection has been waiting for something; None if it is not."""
        since = connection.pending_since
        return max(self.now - since, 0) if since else None

    def state(self, connection: Connection) -> str:
        """What a connection is doing, in words, with how long it has been waiting."""
        state, lasted = self.condition(connection)
        if lasted is not None:
            return f"{STATE_WORDS[state]} {duration(lasted)}"
        return connection.error or state.value if state is State.LEFT else state.value

    def condition(self, connection: Connection) -> tuple[State, int | None]:
        """A connection's state as a person would see it, and how long (ns) it has had to wait in it, if at all."""
        state, waited = connection.state, self.waited(connection)
        if waited is not None and (state is State.QUEUED or waited >= NOTICED):
            return state, waited
        if state in (State.QUIET, State.WAITING) and (since := self.session.held_since(connection)):
            return State.HELD, max(self.now - since, 0)
        return (State.QUIET if state is State.WAITING else state), None

    def since_start(self, at: int) -> int:
        """A moment as time of the run (ns)."""
        return at - self.session.server.started_at if self.session.server else 0


NOTICED = 50_000_000
"""A wait (ns) shorter than this is ordinary service, and not shown as waiting."""
