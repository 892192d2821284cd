"""A running dashboard with real servers and clients, whose keys a test presses and whose screen it reads."""

import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import psutil
from echo_servers.catalog import find
from echo_servers.server import Options
from echo_tui.config import Config
from echo_tui.model.connection import Connection
from echo_tui.run.plan import Plan
from echo_tui.session.session import Session
from echo_tui.tui.app import EchoTui
from echo_tui.tui.panel import Panel
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, OptionList

LIMIT = 20.0
"""Seconds after which a condition counts as failed; far longer than it needs."""
BRIEFLY = 0.3
"""Seconds to wait for something that must not happen: long enough for a few redraws."""
SIZES = ((80, 24), (100, 30), (160, 45))


async def until(pilot: Pilot[Any], condition: Callable[[], object], what: str = "") -> None:
    """Let the app run until the condition holds; fail after LIMIT seconds, naming `what` was missed."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert pilot.app.is_running, f"the dashboard has ended before: {what}"
        assert time.monotonic() < end, f"never came true: {what}\n{screen_text(pilot.app.screen)}"
        await pilot.pause(0.02)


def rendered(widget: Widget) -> list[str]:
    """Return a widget's lines as they are drawn, with its border."""
    return [strip.text for strip in widget.render_lines(widget.outer_size.region)]


def screen_text(screen: Screen[Any]) -> str:
    """Return the text of all widgets on a screen, one widget after the other."""
    leaves = [w for w in screen.walk_children(Widget) if not w.children and w.region and w.is_on_screen]
    return "\n".join(line for widget in leaves for line in rendered(widget))


class Stage:
    """A running dashboard."""

    def __init__(self, app: EchoTui, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def session(self) -> Session:
        """The session of the live run, even while the screen shows an older one."""
        return self.app.live.session

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Let the app run until the condition holds; fail after LIMIT seconds, naming `what` was missed."""
        await until(self.pilot, condition, what)

    async def shows(self, *words: str) -> None:
        """Wait until all these words are on the screen."""
        await self.until(lambda: all(word in self.text for word in words), f"shows {words}")

    async def few_redraws(self) -> None:
        """Wait for a few redraws."""
        await self.pilot.pause(BRIEFLY)

    async def press(self, *keys: str) -> None:
        """Press one key after the other, each when the previous one has been handled."""
        for key in keys:
            self.app.post_message(events.Key(key, key if len(key) == 1 else CHARACTERS.get(key)))
            await self.pilot.pause(0)
        await self.pilot.pause()

    async def write(self, words: str) -> None:
        """Insert words into the focused input all at once, as a terminal pastes them."""
        line = self.app.focused
        assert isinstance(line, Input)
        self.app.post_message(events.Paste(words))
        await self.until(lambda: words in line.value, f"{words} in the input")

    async def wheel(self, panel: str, up: bool = False) -> None:
        """Turn the mouse wheel by one notch over a panel."""
        x, y = self.panel(panel).content_region.offset
        kind = events.MouseScrollUp if up else events.MouseScrollDown
        self.app.post_message(kind(None, x, y, 0, -1 if up else 1, 0, False, False, False))
        await self.pilot.pause()

    # What is on the screen.

    def panel(self, name: str) -> Panel:
        return self.app.screen_stack[0].query_one(f"#{name}", Panel)

    def visible(self) -> set[str]:
        """Return the ids of the panels on the screen."""
        panels = self.app.screen_stack[0].query(Panel)
        return {str(panel.id) for panel in panels if panel.region and panel.is_on_screen}

    def lines(self, name: str) -> list[str]:
        """Return a panel's lines, without its border."""
        panel = self.panel(name)
        return [panel.render_line(y).text.rstrip() for y in range(panel.size.height)]

    def shown(self, name: str) -> str:
        return "\n".join(self.lines(name))

    @property
    def text(self) -> str:
        """The text of the topmost screen."""
        return screen_text(self.app.screen)

    def notices(self) -> list[str]:
        """Return the messages of the current notices, without the line breaks of the screen."""
        return [notice.message for notice in self.app._notifications]

    def chips(self) -> dict[str, str]:
        """Return what the client pane shows for each client, by the name in its brackets."""
        found = re.findall(r"\[(\w+)\] (.+?)(?=\s{2,}|\s▶|$)", self.shown("client-list"), re.MULTILINE)
        return {name: words.strip() for name, words in found}

    def connection(self, client: int) -> Connection:
        """Return the connection of one of our clients."""
        connection = self.session.clients[client].connection
        assert connection
        return connection

    # The footer.

    def footer(self) -> dict[str, str]:
        """Return the footer's entries: the key to press for each label."""
        entries = (entry.partition(" ") for entry in self.shown("keys").strip().split("  ") if entry)
        return {label: FOOTER.get(display, display) for display, _, label in entries}

    def offers_fix(self) -> bool:
        """Whether the footer offers to go to the pattern that fixes the block."""
        return any(label.startswith("→ ") for label in self.footer())

    async def by_footer(self, label: str) -> None:
        """Press the key that the footer shows for a label."""
        await self.until(lambda: label in self.footer(), f"the footer shows {label}")
        await self.press(self.footer()[label])

    # Steps that many tests begin with.

    async def serving(self, pattern: str = "") -> None:
        """Wait until the server listens."""
        await self.until(
            lambda: (
                (server := self.session.server)
                and server.running
                and server.listening_at
                and (not pattern or server.pattern == pattern)
            ),
            f"{pattern} serves",
        )

    async def open(self, count: int) -> None:
        """Open clients, and wait until all are connected, whether they are accepted or not."""
        before = len(self.session.clients)
        for _ in range(count):
            await self.press("n")
        await self.connected(before + count)

    async def connected(self, count: int) -> None:
        await self.until(
            lambda: sum(1 for c in self.session.clients.values() if c.connection) >= count, f"{count} clients"
        )

    async def misbehave(self, *keys: str) -> None:
        """Open the menu of misbehaviour and press these keys in it."""
        await self.press("m")
        await self.until(lambda: isinstance(self.app.focused, OptionList), "the menu")
        await self.press(*keys)
        await self.until(lambda: len(self.app.screen_stack) == 1, "no menu any more")

    async def say(self, words: str) -> None:
        """Type a line for the chosen client, and leave the input."""
        await self.press("i")
        await self.until(lambda: isinstance(self.app.focused, Input), "the input")
        await self.write(words)
        await self.press("enter", "escape")
        await self.until(lambda: not isinstance(self.app.focused, Input), "the panels")


CHARACTERS = {"question_mark": "?", "comma": ",", "full_stop": ".", "less_than_sign": "<", "greater_than_sign": ">",
              "left_parenthesis": "(", "right_parenthesis": ")",
              "space": " "}  # fmt: skip
FOOTER = {"↑↓⏎": "enter", "⏎": "enter", "esc": "escape", "←→": "right", "↑↓": "down", "?": "question_mark",
          ".": "full_stop", "^s": "ctrl+s", "^p": "ctrl+p"}  # fmt: skip


def free_of_processes(before: set[int]) -> bool:
    """Return whether this process has no descendants other than those in `before`."""
    return not [child for child in psutil.Process().children(recursive=True) if child.pid not in before]


@contextlib.asynccontextmanager
async def dashboard(
    pattern: str = "",
    size: tuple[int, int] = (160, 45),
    config: Config | None = None,
    theme: str | None = None,
    options: Options | None = None,
    **plan: Any,
) -> AsyncIterator[Stage]:
    """Run a dashboard, and check afterwards that it has left no process behind."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    options = options or Options(port=0)
    app = EchoTui(Plan(find(pattern) if pattern else None, options, **plan), config, theme)
    live = app.live
    async with app.run_test(size=size, notifications=True) as pilot:
        stage = Stage(app, pilot)
        try:
            if pattern and stage.app.plan.pattern and stage.app.plan.pattern.serves and not options.port:
                await stage.serving()
            yield stage
        finally:
            group = [*live.session.resources.processes, live.client_process.pid]
    assert not app.return_code, "the dashboard has failed"
    assert free_of_processes(before)
    assert not [pid for pid in group if is_alive(pid)]


def is_alive(pid: int) -> bool:
    """Return whether a process runs; an orphaned worker may stay a zombie for a short time until init reaps it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
