"""The dashboard's keys: one method for each thing a person can do."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from textual.app import SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Input

from app.clients.commands import BURST_LIMIT, RATE_LIMIT
from app.config import read_config
from app.live import OVER, Plan
from app.observers import strace
from app.session.freeze import snapshot
from app.session.session import Session
from app.tui.answers import rate, whole
from app.tui.dialogs import Ask, Confirm, Help, shown
from app.tui.keys import ALL_KEYS, PANELS
from app.tui.palette import THEMES
from app.tui.panel import Panel
from app.tui.panels.clients import ClientList, ClientsPane
from app.tui.panels.patterns import PatternsPanel
from app.tui.panels.stalls import StallsPanel
from app.tui.panels.timeline import SPANS
from app.tui.picture import Picture
from servers.block import BlockSetting
from servers.catalog import PATTERNS, Pattern
from servers.server import BadRequest

MOST_CLIENTS = 5000
BELOW_DIALOGS = {key.action.partition("(")[0] for key in ALL_KEYS} - {"quit_politely"}
"""Actions that wait until a dialog is closed."""
BURST = 100
BYTES = 64


class EchoTui(Picture):
    """The picture, with hands."""

    BINDINGS: ClassVar[list[BindingType]] = [key.binding for key in ALL_KEYS]

    def begin(self) -> None:
        if self.plan.pattern:
            self.start_from_palette(self.plan.pattern)
        if self.plan.clients:
            self.client = self.live.open_clients(self.plan.clients)[0]

    # Messages of the panels.

    def on_patterns_panel_chosen(self, message: PatternsPanel.Chosen) -> None:
        self.start(message.pattern)

    def on_patterns_panel_looked(self, message: PatternsPanel.Looked) -> None:
        self.looked_at = message.pattern

    def on_stalls_panel_gone(self, message: StallsPanel.Gone) -> None:
        self.show_stall(message.number)

    def on_client_list_chosen(self, message: ClientList.Chosen) -> None:
        self.client = message.client

    def on_clients_pane_say(self, message: ClientsPane.Say) -> None:
        self.say(message.text)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action can be taken now; the footer leaves out those that can't."""
        clients = any(client.ended not in OVER for client in self.live.session.clients.values())
        typing = isinstance(self.focused, Input)
        if len(self.screen_stack) > 1 and action in BELOW_DIALOGS:
            return False
        match action:
            case "start_pattern":
                return isinstance(self.focused, PatternsPanel)
            case "toggle_server" | "walk" | "zoom":
                return not typing
            case "choose" | "choose_all" | "load" | "burst" | "close_client":
                return clients
            case "leave":
                return typing or self.expanded is not None or self.frozen is not None
            case "toggle_lens":
                loop = self.live.pattern is not None and "poll" in self.live.pattern.rests
                return self.live.running and loop and strace.is_installed()
            case "stall":
                return bool(self.live.moments.kept)
            case "copy_line":
                return isinstance(self.focused, Panel)
        return True

    # The server.

    def start(self, pattern: Pattern) -> None:
        """Start a pattern in place of what runs."""
        self.hold_still(None)
        self.live.start(pattern)
        self.looked_at = pattern
        self.draw()

    def action_start_pattern(self) -> None:
        self.start(self.query_one(PatternsPanel).pattern)

    def action_toggle_server(self) -> None:
        if self.live.running:
            self.live.stop()
            self.draw()
        else:
            self.start(self.live.pattern or self.query_one(PatternsPanel).pattern)

    def action_walk(self, step: int) -> None:
        panel = self.query_one(PatternsPanel)
        index = PATTERNS.index(self.live.pattern) + step if self.live.pattern else PATTERNS.index(panel.pattern)
        pattern = PATTERNS[index % len(PATTERNS)]
        panel.put(pattern)
        self.start(pattern)

    # The block.

    def action_toggle_block(self) -> None:
        self.live.toggle_block()
        self.draw()

    def action_set_block(self) -> None:
        setting = self.live.block_setting
        self.ask(
            "Blocking call: KIND:SECONDS",
            "sleep (time.sleep), c-call (C that gives the GIL up), cpu (computing), c-gil (C that keeps the GIL); "
            "0.001 to 60 seconds. It is switched on.",
            f"{setting.kind}:{setting.seconds:g}",
            BlockSetting.parse,
            self.live.set_block,
        )

    # Our clients.

    @property
    def chosen(self) -> list[int]:
        """The clients that are spoken to; an empty list means all."""
        return [] if self.client is None else [self.client]

    def action_new_client(self) -> None:
        self.client = self.live.open_clients(1)[0]

    def action_new_clients(self) -> None:
        self.ask("How many clients to open?", f"1 to {MOST_CLIENTS:,}", "10", whole(1, MOST_CLIENTS), self._open_many)

    def _open_many(self, count: int) -> None:
        self.live.open_clients(count)
        self.client = None

    def action_choose(self, step: int) -> None:
        clients = self.live.session.clients
        choices: list[int | None] = [None, *(number for number in sorted(clients) if clients[number].ended not in OVER)]
        index = choices.index(self.client) if self.client in choices else 0
        self.client = choices[(index + step) % len(choices)]
        self.draw()

    def action_choose_all(self) -> None:
        self.client = None
        self.draw()

    def action_type(self) -> None:
        self.screen.query_one(Input).focus()

    def say(self, line: str) -> None:
        """Send a typed line from the chosen client, or from all."""
        if not self.live.clients:
            self.action_new_client()
        elif not any(self._connected(number) for number in self.chosen or self.live.session.clients):
            self.notify(f"Nothing was sent: {self._who()} not connected", severity="warning", markup=False)
            return
        self.live.crowd.say(self.chosen, f"{line}\n".encode())

    def _connected(self, number: int) -> bool:
        client = self.live.session.clients.get(number)
        return bool(client and client.connection and not client.ended)

    def action_load(self) -> None:
        self.ask(
            f"Messages a second from {self._who()}?",
            f"0.01 to {RATE_LIMIT:,.0f}; 0 stops. {BYTES} bytes each, whether the echo has come or not.",
            "1",
            rate,
            lambda answer: self.live.load(self.chosen, answer, BYTES),
        )

    def action_burst(self) -> None:
        self.ask(
            f"How many messages at once from {self._who()}?",
            f"1 to {BURST_LIMIT:,}, of {BYTES} bytes",
            str(BURST),
            whole(1, BURST_LIMIT),
            lambda answer: self.live.crowd.burst(self.chosen, answer, BYTES),
        )

    def _who(self) -> str:
        return "all clients" if self.client is None else f"client [{self.client}]"

    def action_close_client(self, reset: bool) -> None:
        open_ = [client for client in self.live.session.clients.values() if client.ended not in OVER]
        if self.client is not None or len(open_) < 2:
            self.live.close_clients(self.chosen, reset)
            return
        question = f"{'Reset' if reset else 'Close'} all {len(open_):,} clients?"
        self.push_screen(Confirm(question), lambda yes: self.live.close_clients([], reset) if yes else None)

    # The screen.

    def action_freeze(self) -> None:
        if self.frozen:
            self.hold_still(None)
        else:
            self.hold_still((snapshot(self.live.session), self.view().now))

    def hold_still(self, moment: tuple[Session, int] | None, stall: int | None = None) -> None:
        """Show a moment that stands still, perhaps that of a stall; or with None what goes on."""
        self.frozen, self.stall = moment, stall
        self.screen_stack[0].set_class(moment is not None, "frozen")
        self.draw()

    def action_stall(self, step: int) -> None:
        """Hop to the stall before or after the one on screen; from the last one back to what goes on."""
        numbers = sorted(self.live.moments.kept)
        here = self.stall if self.frozen and self.stall else (numbers[-1] + 1 if numbers else 0)
        those = [number for number in numbers if (number < here if step < 0 else number > here)]
        if those:
            self.show_stall(those[-1] if step < 0 else those[0])
        elif step > 0 and self.frozen:
            self.hold_still(None)
        else:
            self.notify("No stall before this one" if numbers else "No stall so far", timeout=2, markup=False)

    def show_stall(self, number: int) -> None:
        """Show the moment of a stall, held still."""
        if moment := self.live.moments.kept.get(number):
            self.hold_still(moment, number)
        else:
            self.notify("Of a stall so long ago no picture is kept", severity="warning", timeout=3, markup=False)

    def action_toggle_lens(self) -> None:
        if self.live.lens:
            self.live.close_lens()
        else:
            try:
                self.live.open_lens()
                self.notify("While strace is attached the server is 5 to 10 times slower", timeout=4, markup=False)
            except OSError as error:
                self.notify(f"No strace: {error}", severity="error", markup=False)
        self.draw()

    def action_zoom(self, step: int) -> None:
        self.span = SPANS[min(max(SPANS.index(self.span) + step, 0), len(SPANS) - 1)]
        self.draw()

    def action_expand(self) -> None:
        if self.expanded:
            self.expanded = None
        elif isinstance(self.focused, Panel):
            self.expanded = self.focused.id
        self.fit()

    def action_hop(self, step: int) -> None:
        stops = self.focusable()
        index = stops.index(self.focused) + step if self.focused in stops else 0
        self.action_go(stops[index % len(stops)].id or "patterns")

    def action_go(self, name: str) -> None:
        self.expanded = None
        if self.ended and name not in ("patterns", "clients", "line"):
            name = "ended"  # it stands in the place of the others
        if self.live.lens and name == "events":
            name = "calls"  # they stand in the place of the events
        if name in PANELS or name == "calls":
            self.place = name
        self.fit()
        target = self.screen.query_one(Input) if name in ("clients", "line") else self.screen.query_one(f"#{name}")
        self.screen.set_focus(target)

    def action_leave(self) -> None:
        if self.expanded:
            self.action_expand()
        elif isinstance(self.focused, Input):
            self.action_go("patterns")
        elif self.frozen:
            self.action_freeze()

    def action_copy_line(self) -> None:
        panel = self.focused
        if isinstance(panel, Panel) and panel.first <= panel.cursor < panel.last:
            line = panel.copied(panel.cursor)
            self.copy_to_clipboard(line)
            self.notify(line, title="Copied", timeout=2, markup=False)

    def action_next_theme(self) -> None:
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]

    def action_screenshot_file(self) -> None:
        folder = Path("screenshots")
        try:
            folder.mkdir(exist_ok=True)
            path = self.save_screenshot(self.picture_name(), str(folder))
        except OSError as error:
            self.notify(f"No picture: {error}", severity="error", markup=False)
        else:
            self.notify(path, title="Picture saved", markup=False)

    def action_help(self) -> None:
        self.push_screen(Help(self.keymap))

    def action_quit_politely(self) -> None:
        if isinstance(self.screen, Confirm):
            self.exit(0)
        elif len(self.screen_stack) > 1:
            self.pop_screen()
        elif self.live.running and self.live.session.connections:
            count = len(self.live.session.connections)
            question = f"A server is running with {count:,} client{'s' if count > 1 else ''}. Quit?"
            self.push_screen(Confirm(question), lambda yes: self.exit(0) if yes else None)
        else:
            self.exit(0)

    # Dialogs and the palette.

    def ask(self, question: str, hint: str, answer: str, read: Any, act: Any) -> None:
        """Ask for one value; `read` turns the answer into it or raises ValueError, `act` takes it."""

        def wrong(given: str) -> str:
            try:
                read(given)
            except ValueError as error:
                return str(error)
            return ""

        def answered(given: str | None) -> None:
            if given is not None:
                act(read(given))
                self.draw()

        self.push_screen(Ask(question, hint, answer, wrong), answered)

    def commands(self) -> Iterable[SystemCommand]:
        """Every action and every pattern, for the palette."""
        for pattern in PATTERNS:
            yield SystemCommand(
                f"Start {pattern.title}", pattern.watch, lambda pattern=pattern: self.start_from_palette(pattern)
            )
        for key in ALL_KEYS:
            if key.id not in ("quit-now", "leave", "start", "palette"):
                names = shown(self.keymap.get(key.id, key.key), self.get_key_display)
                yield SystemCommand(key.help, f"key: {names}", lambda key=key: self.run_action(key.action))

    def start_from_palette(self, pattern: Pattern) -> None:
        """Start a pattern and put the cursor on it."""
        self.query_one(PatternsPanel).put(pattern)
        self.start(pattern)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from self.commands()
        for command in super().get_system_commands(screen):
            if command.title in ("Theme",):
                yield command

    def picture_name(self) -> str:
        """A file name that tells what is on the picture."""
        pattern = self.live.pattern.name if self.live.pattern else "start"
        return f"echo-tui-{pattern}-{datetime.now():%Y%m%d-%H%M%S}.svg"


def open_dashboard(plan: Plan, theme: str | None = None) -> int:
    """Run the dashboard in this terminal until it is quit; gives its exit code. Raises BadRequest."""
    config = read_config(frozenset(key.id for key in ALL_KEYS))
    app = EchoTui(replace(plan, stall_after=plan.stall_after or config.stall_after), config, theme)
    wanted = theme or config.theme
    if wanted and wanted not in app.available_themes:
        app.live.close()
        raise BadRequest(f"unknown theme {wanted!r}: choose from {', '.join(sorted(app.available_themes))}")
    try:
        code = app.run()
    finally:
        app.live.close()
    return code or app.return_code or 0
