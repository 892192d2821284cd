"""The client pane: our clients side by side, what the chosen one sent and received, and an input line."""

from collections.abc import Hashable
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label

from echo_tui.model.activity import SECOND
from echo_tui.model.clients import Client, FloodState
from echo_tui.model.endings import BY_SERVER, Ending
from echo_tui.model.remembered import State
from echo_tui.tui import text
from echo_tui.tui.keys import TYPING
from echo_tui.tui.panel import Line, Panel
from echo_tui.tui.panels.connections import state_style
from echo_tui.tui.view import NOTICED, View
from echo_tui.words import clients as words_of
from echo_tui.words import panels, talk

CHIP = 31
"""The width of one client (cells)."""
ROOM = 25
"""The part of it for what a client does (cells)."""


class ClientList(Panel):
    """Our clients in columns. A click or the arrows choose one; Enter moves to the input."""

    SELECTS = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "app.choose(-1)"),
        Binding("down,j", "app.choose(1)"),
        Binding("enter", "app.type"),
    ]

    class Chosen(Message):
        """The message that a client was clicked; None means all of them."""

        def __init__(self, client: int | None) -> None:
            super().__init__()
            self.client = client

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._entries: list[Client | FloodState | None] = []
        self._followed: Hashable = None
        """The chosen client's place in the list, and the room for the list, when the window last moved to it."""
        self._unseen = ("", False)
        self._counted_for: Hashable = None

    @property
    def per_row(self) -> int:
        """The number of clients side by side."""
        return max(self.extent.width // CHIP, 1)

    def fingerprint(self, view: View) -> Hashable:
        return (view.session.changes, view.client, view.tenth)

    def prepare(self, view: View) -> None:
        clients, flood = view.session.clients, view.session.clients.flood
        self._entries = [None, *(clients[number] for number in sorted(clients))] if clients else []
        if flood.count:
            self._entries.insert(1, flood)
        self.last = -(-len(self._entries) // self.per_row)
        chosen = next((i for i, entry in enumerate(self._entries) if is_chosen(view, entry)), 0)
        row = chosen // self.per_row
        place = (chosen, self.rows, self.per_row)
        if place != self._followed and not self.top <= row < self.top + self.rows:
            self.top = max(row - self.rows + 1, 0) if row > self.top else row
        self._followed = place

    def place(self) -> str:
        return ""

    def unseen(self, view: View) -> tuple[str, bool]:
        """Return in words how many clients are out of sight and how many of them wait; and whether any waits.

        They are counted once a second, and when the list or the window changes.
        """
        begin, end = self.top * self.per_row, (self.top + self.rows) * self.per_row
        counted_for = (id(view.session), view.now // SECOND, len(self._entries), begin, end)
        if counted_for != self._counted_for:
            entries = (*self._entries[:begin], *self._entries[end:])
            hidden = [client for client in entries if isinstance(client, Client)]
            waiting = sum(waits(view, client) for client in hidden)
            floods = [f"[{words_of.flood()}] {got_in(entry)}" for entry in entries if isinstance(entry, FloodState)]
            more = [words_of.hidden(len(hidden), waiting)] if hidden else []
            self._counted_for, self._unseen = counted_for, ("   ".join(floods + more), waiting > 0)
        return self._unseen

    def line(self, index: int, width: int) -> Line:
        assert self.view
        line: Line = []
        for entry in self._entries[index * self.per_row : (index + 1) * self.per_row]:
            line += self._chip(entry, is_chosen(self.view, entry))
        return line

    def _chip(self, entry: Client | FloodState | None, chosen: bool) -> Line:
        assert self.view
        view, palette = self.view, self.view.palette
        mark = "▶" if chosen else " "
        match entry:
            case None:
                name, words, style = words_of.every(), words_of.count(len(view.session.clients)), palette.dim
            case FloodState():
                name, words = words_of.flood(), got_in(entry)
                style = palette.warning if len(entry.peers) >= entry.count else palette.queued
            case Client():
                name = str(entry.number)
                words, style = condition(view, entry)
        head = f"{mark}[{name}] "
        return [
            (head, palette.accent + palette.strong if chosen else palette.accent),
            (words[: CHIP - len(head) - 1].ljust(CHIP - len(head)), style),
        ]

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = (self.top + offset.y) * self.per_row + offset.x // CHIP
        if index < len(self._entries):
            entry = self._entries[index]
            if not isinstance(entry, FloodState):
                self.post_message(self.Chosen(entry.number if entry else None))


def got_in(flood: FloodState) -> str:
    """Return how many connections of a flood are connected, in words."""
    return words_of.got_in(len(flood.peers), flood.count)


def is_chosen(view: View, entry: Client | FloodState | None) -> bool:
    """Return whether an entry is the chosen one; the entry None stands for all clients."""
    return view.client is None if entry is None else isinstance(entry, Client) and entry.number == view.client


def waits(view: View, client: Client) -> bool:
    """Return whether one of our clients waits: to be connected or accepted, or for its echo."""
    if client.opening_since:
        return True
    waited = view.waited(client.connection) if client.connection and not client.ended else None
    return waited is not None and waited >= NOTICED


def condition(view: View, client: Client) -> tuple[str, Style]:
    """Return what one of our clients is doing, in words, and the style of that."""
    palette = view.palette
    if client.opening_since:
        return words_of.connecting(text.elapsed(view.now - client.opening_since)), palette.queued
    connection = client.connection
    if connection is None or client.ended or connection.closed_at:
        return text.clean(words_of.ending(client.ended or Ending.CLOSED, client.ended_about)), palette.dim
    if view.call_of(connection):
        return view.state(connection, ROOM), state_style(view, connection)
    state, lasted = view.condition(connection)
    if state is not State.QUEUED and (manner := manners(client)):
        return manner + (f" {text.elapsed(lasted)}" if lasted is not None else ""), palette.waiting
    if lasted is not None:
        return view.state(connection, ROOM), state_style(view, connection)
    if connection.rtt is None:
        return words_of.connected(), palette.good
    return words_of.echo_in(text.duration(connection.rtt)), palette.good


def turned_away(client: Client) -> str:
    """Return the reason the server reported for closing a client's connection; empty if there is none."""
    connection = client.connection
    if client.ended not in BY_SERVER or not connection or not connection.closed_at:
        return ""
    return text.clean(words_of.ending(connection.error)) if connection.error != client.ended else ""


def manners(client: Client) -> str:
    """Return how a client misbehaves (not reading, half-closed); empty if it does not."""
    not_reading = [] if client.reading else [words_of.not_reading()]
    return ", ".join(not_reading if client.sending else [*not_reading, words_of.half_closed()])


class ClientsPane(Vertical):
    """The pane with the list, the last exchange of the chosen client, and the input."""

    class LineTyped(Message):
        """The message that a line was typed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    BINDINGS: ClassVar[list[BindingType]] = [key.binding for key in TYPING if key.action]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._framed = ("", "")
        """The texts in the border."""

    def compose(self) -> ComposeResult:
        yield ClientList(id="client-list")
        yield Exchange(id="exchange")
        with Horizontal(id="prompt"):
            yield Label("", id="to", markup=False)
            yield Input(placeholder=words_of.prompt(), id="line", compact=True, max_length=4000)

    def on_mount(self) -> None:
        self.border_title = panels.title("clients")

    def show(self, view: View) -> None:
        """Draw this view."""
        server = view.live.server
        listens = server if server and server.running and server.listening_at and not view.badge else None
        command = talk.connect(listens.reachable_from(view.lan), listens.port) if listens else ""
        loads = view.session.clients.loads
        title = words_of.title(command, len(loads), sum(loads.values()))
        if self._framed[0] != title:
            self.border_title = Content(title)
        hint = words_of.misbehave(view.keys["misbehave"]) if view.usable else ""
        unseen, waits = self.query_one(ClientList).unseen(view)
        if self._framed[1] != (unseen or hint):
            self.border_subtitle = Content(unseen or hint)
            self.set_class(waits, "waited")
        self._framed = (title, unseen or hint)
        chosen = words_of.to_whom(view.client)
        self.query_one("#prompt").display = not view.badge
        label = self.query_one("#to", Label)
        words = f"{chosen} > "
        if str(label.content) != words:
            label.update(words)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        event.input.clear()
        self.post_message(self.LineTyped(event.value))


class Exchange(Panel, can_focus=False):
    """The last message of the chosen client, and its last echo."""

    SELECTS = False

    def fingerprint(self, view: View) -> Hashable:
        return (view.session.changes, view.client)

    def prepare(self, view: View) -> None:
        self.last = 1

    def line(self, index: int, width: int) -> Line:
        assert self.view
        view, palette = self.view, self.view.palette
        client = view.session.clients.get(view.client) if view.client is not None else None
        if client is None:
            if view.session.clients:
                return [(words_of.choose_one(), palette.faint)]
            return [(words_of.none_yet(view.keys["new"]), palette.faint)]
        if why := turned_away(client):
            wordings = (
                f"[{client.number}] {words_of.ending(client.ended, client.ended_about)}: {why}",
                f"[{client.number}] {why}",
            )
            return [(text.first_that_fits(wordings, width), palette.waiting)]
        if not client.sent:
            return [(words_of.nothing_sent(client.number), palette.faint)]
        last = text.payload(client.last_sent, len(client.last_sent))
        line: Line = [(f"{words_of.sent(client.sent)} ", palette.dim), (last, palette.text)]
        server = view.session.server
        count = words_of.echoed if server is None or server.reports else words_of.received
        line.append((f"   {count(client.echoed)}", palette.dim))
        if client.echoed:
            line += [
                (f"{words_of.last_echo()} ", palette.dim),
                (text.payload(client.last_echo, client.last_size), palette.good),
            ]
            line.append((f" {words_of.after(text.duration(client.rtt))}", palette.dim))
        if client.connection and client.connection.spoiled:
            line.append((f"   {words_of.spoiled(client.connection.spoiled)}", palette.bad))
        return line
