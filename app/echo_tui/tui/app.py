"""The dashboard application: the keys of the server, which keys are available, and the palette."""

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from echo_servers.block import BlockSetting
from echo_servers.catalog import PATTERNS, Pattern, find
from echo_servers.descriptors import shortage
from echo_servers.fixes import promise, workers_for
from textual.actions import ActionParseResult
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input

from echo_tui.tui.client_keys import ClientKeys
from echo_tui.tui.dialogs import Confirm, ask, shown
from echo_tui.tui.keys import ALL_KEYS, CLIENTS, MISBEHAVIOUR, RECORDING, SERVER, Key
from echo_tui.tui.palette import legible_colors
from echo_tui.tui.panel import Panel
from echo_tui.tui.panels.clients import ClientList, ClientsPane
from echo_tui.tui.panels.patterns import PatternsPanel
from echo_tui.tui.panels.stalls import StallsPanel
from echo_tui.tui.recording_keys import RecordingKeys
from echo_tui.tui.talk_keys import TalkKeys
from echo_tui.tui.unavailable import no_demo, no_details, no_fix, no_recording, no_stall, no_stdout, no_strace
from echo_tui.tui.view import fix_now
from echo_tui.words import dialogs, notices

BELOW_DIALOGS = {key.action.partition("(")[0] for key in ALL_KEYS} - {"quit_politely", "screenshot_file"}
"""Actions that wait until a dialog is closed."""


OF_OUR_SERVERS = {key.action.partition("(")[0] for key in ALL_KEYS if key.group == SERVER} | {
    "speak_blocking",
    "misbehave",
    "matrix",
    "toggle_strace",
}
"""Actions that need a server that was started here."""
OF_RECORDINGS = {key.action.partition("(")[0] for key in ALL_KEYS if key.group == RECORDING}
"""Actions that need a recording."""
OF_CLIENTS = {key.action.partition("(")[0] for key in ALL_KEYS if key.group == CLIENTS} - {"choose", "choose_all"}
"""Actions that need clients of ours."""
TO_LIVE = {"walk", "start_pattern"}
"""Actions that show the live run again, if it is put aside."""
ON_THE_SERVER = {key.action.partition("(")[0] for key in ALL_KEYS if key.group == CLIENTS} | {"toggle_block", "go"}
"""Actions that show that the person attends to the running server."""


SETTLES = 1.0
"""How long (s) after the first drawing the dashboard has settled."""


class EchoTui(ClientKeys, RecordingKeys, TalkKeys):
    """The application: it adds the actions on the server to those on the clients, on the screen, and of a talk."""

    BINDINGS: ClassVar[list[BindingType]] = [key.binding for key in ALL_KEYS]

    def get_css_variables(self) -> dict[str, str]:
        """Return the theme's variables and the two of the palette that the style sheet needs."""
        _, _, _, warning, error, _ = legible_colors(self.current_theme)
        return {**super().get_css_variables(), "legible-warning": warning.css, "legible-error": error.css}

    settled: Callable[[], object] | None = None
    """Called once, when the first drawing has been on screen for a while."""

    def begin(self) -> None:
        if self.settled:
            self.set_timer(SETTLES, self.settled)
        if self.plan.pattern:
            self.start_from_palette(self.plan.pattern)
        if self.plan.clients:
            self.client = self.live.open_clients(self.plan.clients)[0]

    # Messages of the panels.

    def on_patterns_panel_chosen(self, message: PatternsPanel.Chosen) -> None:
        self.choose_pattern(message.pattern)

    def on_patterns_panel_highlighted(self, message: PatternsPanel.Highlighted) -> None:
        self.highlighted = message.pattern
        server = self.live.session.server
        self.browse(server is not None and server.running and server.pattern != message.pattern.name)

    def on_stalls_panel_gone(self, message: StallsPanel.Gone) -> None:
        self.show_stall(message.number)

    def on_client_list_chosen(self, message: ClientList.Chosen) -> None:
        self.client = message.client

    def on_clients_pane_line_typed(self, message: ClientsPane.LineTyped) -> None:
        self.send_line(message.text)

    async def run_action(
        self,
        action: "str | ActionParseResult",
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run an action; one that has to do with the running server ends browsing in the list of patterns."""
        if isinstance(action, str) and action.partition("(")[0] in ON_THE_SERVER:
            self.browse(False)
        return await super().run_action(action, default_namespace, namespaces)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action is possible now; the footer omits the others."""
        if self.leaving:
            return False
        typing = isinstance(self.focused, Input)
        if len(self.screen_stack) > 1 and action in BELOW_DIALOGS:
            return False
        if action in OF_RECORDINGS:
            return self.replay is not None and not typing
        if self.badge and (action in OF_CLIENTS or action == "save_recording"):
            return False
        if action == "freeze" and self.replay:  # it can be paused
            return False
        if action == "swap":
            return not typing and (self.aside is not None or self.live.starts)
        if not self.live.starts and action in OF_OUR_SERVERS and not (self.aside and action in TO_LIVE):
            return False
        match action:
            case "start_pattern":
                return isinstance(self.focused, PatternsPanel)
            case "toggle_server" | "walk" | "zoom":
                return not typing
            case "speak" | "speak_blocking" | "choose" | "choose_all" | "load" | "burst" | "close_client":
                return bool(self.live.present)
            case "leave":
                return typing or self.on_stage or self.expanded is not None or self.frozen is not None
            case "copy_line":
                return isinstance(self.focused, Panel)
        return True

    def unavailable(self) -> dict[str, str]:
        live, view = self.live, self.view()
        return {
            "fix": no_fix(view),
            "strace": "" if live.strace_view.is_open else no_strace(live),
            "hold": no_stdout(live),
            "swap": no_recording(view),
            "demo": no_demo(view),
            "stall-before": no_stall(view),
            "details": no_details(view),
        }

    # The server.

    def start(self, pattern: Pattern, workers: int | None = None) -> None:
        """Start a pattern in place of the running one, which is kept if this one can't be started here."""
        if pattern.missing and self.live.running:
            self.notify(pattern.missing, title=pattern.title, severity="warning", markup=False)
            return
        if self.could_start(lambda: self.live.start(pattern, workers)):
            self._started(pattern)

    def could_start(self, start: Callable[[], None]) -> bool:
        """Call `start` and return whether it succeeded; if the system lacks a resource, show a notice that names it."""
        try:
            start()
        except (OSError, RuntimeError) as failure:
            if not (words := shortage(failure)):
                raise
            self.notify(words, title=notices.title("no-server"), severity="error", markup=False)
            return False
        return True

    def _started(self, pattern: Pattern) -> None:
        self.show_snapshot(None)
        self.highlighted = pattern
        self.pending.clear()
        self.browse(False)
        if self.client not in self.live.session.clients:  # it was closed, so it is not reconnected
            self.client = None
        self.draw()

    def action_start_pattern(self) -> None:
        self.choose_pattern(self.query_one(PatternsPanel).pattern)

    def choose_pattern(self, pattern: Pattern) -> None:
        """Start a pattern. The running one is not restarted: that would cut off its clients and its timeline."""
        self.back_to_live()
        if self.live.running and pattern is self.live.pattern:
            self.notify(notices.runs_already(pattern.title, self.key_names["restart"]), markup=False)
        else:
            self.start(pattern)

    def action_restart(self) -> None:
        """Restart the pattern that runs or ran last; ask first if that cuts off external clients."""
        guests = self.live.guests if self.live.running else 0
        if self.live.pattern is None:
            self.action_start_pattern()
        elif guests:
            self.push_screen(Confirm(dialogs.cut_off(guests)), lambda yes: self._restart() if yes else None)
        else:
            self._restart()

    def _restart(self) -> None:
        if self.live.pattern and self.could_start(self.live.start_again):
            self._started(self.live.pattern)

    def action_toggle_server(self) -> None:
        if self.live.running:
            self.live.stop()
            self.draw()
        elif self.live.pattern:
            self._restart()
        else:
            self.action_start_pattern()

    def action_walk(self, step: int) -> None:
        """Start the scene after or before the pattern that runs or ran last."""
        self.back_to_live()
        self.start_from_palette(self.talk.step(step))

    # The block.

    def action_toggle_block(self) -> None:
        self.live.toggle_block()
        self.draw()

    def action_set_block(self) -> None:
        setting = self.live.block.setting
        ask(
            self,
            dialogs.question("block"),
            dialogs.hint("block"),
            setting.spec,
            BlockSetting.parse,
            self._block_with,
        )

    def _block_with(self, setting: BlockSetting) -> None:
        self.live.arm(setting)
        self.draw()

    def action_fix(self) -> None:
        """Start the pattern that fixes the block of the running one, with the same clients and the same block.

        In a stall snapshot from the matrix, use the fix and the block of its cell.
        """
        view = self.view()
        found, block = fix_now(view), view.block
        if self.is_unavailable("fix") or not found:
            return
        pattern, clients = find(found.pattern), len(self.live.present)
        workers = workers_for(pattern, clients, self.live.plan.options.workers)
        if self.origin:
            self.live.arm(BlockSetting(block.kind, block.seconds, block.every))
        else:
            self.live.keep_block()
        self.start_from_palette(pattern, workers)
        words = f"{found.why} {promise(pattern, workers, clients)}" if workers else found.why
        self.notify(words, title=pattern.title, markup=False)

    # Its stdout.

    def action_hold_output(self) -> None:
        if not self.is_unavailable("hold"):
            self.live.hold_output(not self.live.output_held)
            self.draw()

    # Leaving, and the palette.

    def action_quit_politely(self) -> None:
        if isinstance(self.screen, Confirm) and self.screen.quits:
            self.exit(0)
        elif len(self.screen_stack) > 1:
            self.screen.dismiss(None)
        elif cut_off := self._connected_to_ours():
            question = dialogs.leave(cut_off)
            self.push_screen(Confirm(question, quits=True), lambda yes: self.exit(0) if yes else None)
        else:
            self.exit(0)

    def _connected_to_ours(self) -> int:
        """Return the number of connections of a server that was started here, also if it is put aside."""
        live = self.aside.live if self.aside else self.live
        return len(live.session.connections) if live.starts and live.running else 0

    def commands(self) -> Iterable[SystemCommand]:
        """Yield a palette command for every pattern and every action."""
        for pattern in PATTERNS if self.live.starts else ():
            yield SystemCommand(
                dialogs.start(pattern.title), pattern.watch, lambda pattern=pattern: self.start_from_palette(pattern)
            )
        for key in ALL_KEYS:
            if key.id not in ("quit-now", "leave", "start", "palette") and self._is_ours(key):
                names = shown(self.keymap.get(key.id, key.key), self.get_key_display)
                yield SystemCommand(
                    key.help, dialogs.keys(names, several=False), lambda key=key: self.run_action(key.action)
                )
        listed = {key.action for key in ALL_KEYS}
        for key in MISBEHAVIOUR if self.live.starts else ():
            if key.action not in listed:
                names = f"{self.key_names['misbehave']} {key.key}"
                yield SystemCommand(
                    key.help, dialogs.keys(names, several=True), lambda key=key: self.run_action(key.action)
                )

    def _is_ours(self, key: Key) -> bool:
        action = key.action.partition("(")[0]
        if (action in OF_RECORDINGS) != (self.replay is not None and key.group == RECORDING):
            return False
        return self.live.starts or action not in OF_OUR_SERVERS

    def start_from_palette(self, pattern: Pattern, workers: int | None = None) -> None:
        """Start a pattern and put the cursor on it."""
        self.query_one(PatternsPanel).put(pattern)
        self.start(pattern, workers)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from self.commands()
        for command in super().get_system_commands(screen):
            if command.title in ("Theme",):
                yield command
