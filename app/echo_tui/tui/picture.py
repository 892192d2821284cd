"""The running dashboard: the timer that drives the run and draws it, the panels, and the layout for the terminal."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from echo_servers.catalog import BY_NAME, Pattern
from echo_servers.descriptors import shortage
from echo_servers.server import SHARES, USAGE
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.css.query import NoMatches
from textual.widgets import Static

from echo_tui.config import Config
from echo_tui.experiments.measure import Measured
from echo_tui.observers.addresses import lan_address
from echo_tui.run.attached import Attached
from echo_tui.run.driver import TURN, Driver
from echo_tui.run.header import new_header
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan
from echo_tui.run.recorded import Recorded
from echo_tui.run.recorder import Recorder
from echo_tui.run.ring import Ring
from echo_tui.run.streamed import Streamed
from echo_tui.run.viewed import Viewed
from echo_tui.session.session import Session
from echo_tui.session.stall_snapshots import Snapshot
from echo_tui.tour.playlist import Playlist
from echo_tui.tui import endings, text
from echo_tui.tui.arranged import Arranged
from echo_tui.tui.aside import Aside
from echo_tui.tui.banner import banner
from echo_tui.tui.failure import SOFTWARE, write_traceback
from echo_tui.tui.keys import key_names
from echo_tui.tui.layout import MIN_HEIGHT, MIN_WIDTH
from echo_tui.tui.palette import THEMES, Palette
from echo_tui.tui.panel import Panel
from echo_tui.tui.panels.calls import CallsPanel
from echo_tui.tui.panels.clients import ClientsPane
from echo_tui.tui.panels.connections import ConnectionsPanel
from echo_tui.tui.panels.cpu import CpuPanel
from echo_tui.tui.panels.ended import EndedPanel
from echo_tui.tui.panels.header import Header
from echo_tui.tui.panels.keybar import KeyBar
from echo_tui.tui.panels.log import LogPanel
from echo_tui.tui.panels.patterns import PatternsPanel
from echo_tui.tui.panels.seek import SeekBar
from echo_tui.tui.panels.source import SourcePanel
from echo_tui.tui.panels.stalls import StallsPanel
from echo_tui.tui.panels.step import StepBar
from echo_tui.tui.panels.target import TargetPanel
from echo_tui.tui.panels.threads import ThreadsPanel
from echo_tui.tui.panels.timeline import SPANS, TimelinePanel
from echo_tui.tui.panels.welcome import WelcomePanel
from echo_tui.tui.pending import Pending
from echo_tui.tui.playback import Playback
from echo_tui.tui.talk import Talk, compared
from echo_tui.tui.view import View
from echo_tui.words import notices

DRAIN = TURN / 1e9
"""Seconds between two turns of the driver."""
BUSY = 1000
"""After a turn with more observations than this, the pipes are read two more times before the next turn."""
DRAWS = 2
"""The number of turns per drawing while something happens or waits."""
CALM = 18
"""The number of turns per drawing while nothing happens: seldom, but often enough to count each second."""


class Picture(Arranged):
    """An app that drives a run and draws its session, each several times a second."""

    TITLE = "echo-tui"
    CSS_PATH = str(Path(__file__).with_name("app.tcss"))
    COMMAND_PALETTE_BINDING = "ctrl+p"

    def __init__(
        self,
        plan: Plan,
        config: Config | None = None,
        theme: str | None = None,
        live: Live | Attached | Viewed | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        super().__init__(plan.pattern is not None)
        config = config or Config()
        self.plan = plan
        # What only a server that was started here can do is unavailable while `starts` is False.
        self.recorder = recorder or Recorder(new_header("", {}, time.monotonic_ns()), ring=Ring())
        self.live = cast(Live, live or Live(plan, self.recorder.hear))
        self.frozen: tuple[Session, int] | None = None
        self.stall: int | None = None
        """The number of the stall whose snapshot is on screen; None if there is none."""
        self.origin: Measured | None = None
        """The cell of the matrix whose snapshot is on screen; None if there is none."""
        self.span = SPANS[2]
        self.span_chosen = False
        """Whether the person has chosen the span; if not, a stall that begins shortens it."""
        self.lan = lan_address()
        self.measured: dict[tuple[str, str], Measured] = {}
        """The cells of the matrix so far, by pattern and kind of block."""
        self.highlighted: Pattern | None = plan.pattern
        self.client: int | None = None
        self.talk = Talk(Playlist.of(config.scenes))
        self.keymap = config.keys
        self.key_names = key_names(config.keys, self.get_key_display)
        self._ticks = 0
        self._news = self._waits = False
        self.aside: Aside | None = None
        """The live run that goes on while a recording of its scene is on screen; None if there is none."""
        self.driver = self.new_driver()
        self.pending = Pending(lambda: self.driver.now)
        """What a key has begun and waits for a condition, such as that a client is accepted."""
        self._drawn_news: tuple[object, ...] = ()
        """The value of `stalls.news` at the last turn; a change of it is drawn at once."""
        self._active: object = None
        self._panels: list[Panel | ClientsPane] = []
        for own in THEMES:
            self.register_theme(own)
        wanted = theme or config.theme or THEMES[0].name
        self.theme = wanted if wanted in self.available_themes else THEMES[0].name
        self.set_keymap(config.keys)

    def compose(self) -> ComposeResult:
        self.palette = Palette.of(self)
        self.arrangement_changed(self.view())
        self.set_screen_classes()
        yield Static(notices.too_small(MIN_WIDTH, MIN_HEIGHT), id="too-small", markup=False)
        yield Header(id="header")
        yield Static("", id="banner", markup=False)
        with Horizontal(id="body"):
            yield PatternsPanel(id="patterns") if self.live.starts else TargetPanel(id="patterns")
            with Vertical(id="main"):
                yield TimelinePanel(id="timeline")
                with Horizontal(id="lower"):
                    with Vertical(id="left"):
                        yield ConnectionsPanel(id="connections")
                        yield StallsPanel(id="stalls")
                        yield LogPanel(id="events")
                        yield CallsPanel(id="calls")
                    with Vertical(id="right"):
                        yield CpuPanel(id="cpu")
                        yield ThreadsPanel(id="threads")
                        yield SourcePanel(id="source")
                yield EndedPanel(id="ended")
                yield WelcomePanel(id="welcome")
        yield ClientsPane(id="clients")
        yield StepBar(id="step")
        yield SeekBar(id="seek")
        yield KeyBar(self.unavailable, id="keys")

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda theme: self._recolour())
        self._panels = [*self.query(Panel), self.query_one(ClientsPane)]
        self.fit()
        self.query_one("#patterns").focus()
        if self.live.starts:
            self.highlighted = self.highlighted or self.query_one(PatternsPanel).pattern
        loop = asyncio.get_running_loop()

        def leave(code: int) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended already
                loop.call_soon_threadsafe(self.exit, code)

        endings.install(leave)
        self.call_after_refresh(self._wake_up)

    def _wake_up(self) -> None:
        """Start the timer and the server, once the first drawing is on screen."""
        self.driver = self.new_driver()
        self.set_interval(DRAIN, self._sample)
        self.begin()
        self.starting = False

    def start(self, pattern: Pattern) -> None:
        """Start a pattern; overridden by the application."""

    def begin(self) -> None:
        """Run after the first drawing; does nothing unless overridden."""

    def unavailable(self) -> dict[str, str]:
        """Return the reason each key is unavailable, by the key's id; empty for a key that is available."""
        return {}

    def is_unavailable(self, key: str) -> bool:
        """Return whether a key is unavailable now, and if so show the reason."""
        if words := self.unavailable().get(key):
            self.notify(words, markup=False)
        return bool(words)

    def on_unmount(self) -> None:
        self.close()

    def close(self) -> None:
        """End what is on screen, and the live run that is put aside."""
        self.live.close()
        if self.aside:
            self.aside.live.close()

    # What is on screen.

    @property
    def viewed(self) -> Recorded | Streamed | None:
        """The source on screen, if its session is no live one of this machine."""
        source = cast(object, self.live)
        return source if isinstance(source, Recorded | Streamed) else None

    @property
    def badge(self) -> str:
        """What kind of session is on screen, if it is no live one of this machine."""
        return self.viewed.badge if self.viewed else ""

    @property
    def row(self) -> str:
        if isinstance(self.viewed, Recorded):
            return "seek"
        return "step" if self.live.starts else ""

    def new_driver(self) -> Driver:
        """Return a driver of what is on screen, with its clock."""
        return Driver(self.live, self.viewed.clock if self.viewed else time.monotonic_ns)

    # Drawing.

    def _handle_exception(self, error: Exception) -> None:
        """End on an internal error: one line for the user, the traceback in a file.

        Textual calls this for every exception in its loop: timers, messages, keys, callbacks, drawing. While the
        dashboard is leaving, errors are not reported: a widget may miss another one that is already removed.
        """
        if self._exception is None and not self.leaving:  # Textual's test pilot reads the exception from there
            self._exception = error
            self._exception_event.set()
            words = shortage(error)
            code = USAGE if words else SOFTWARE
            self.exit(code, code, Text(f"echo-tui: {words}" if words else write_traceback(error)))
        self._close_messages_no_wait()

    def _sample(self) -> None:
        folded = self.driver.turn()
        if self.aside and self.aside.driver.turn() > BUSY:
            self.aside.live.drain()
        self.pending.turn()
        if folded > BUSY:  # a full pipe loses records, so read it again before the next turn
            for share in (1 / 3, 2 / 3):
                self.set_timer(DRAIN * share, lambda: self.live.drain())  # it may be another source by then
        self._news = bool(folded) or self._news
        if self.live.strace_view.failed is not None:
            self.notify(
                text.clean(self.live.strace_view.failed) or notices.strace_ended(),
                title=notices.title("strace-closed"),
                severity="warning",
                markup=False,
            )
            self.live.strace_view.failed = None
        self._ticks += 1
        drawn, self._drawn_news = self._drawn_news, self.live.session.stalls.news
        lively = self._news or self._waits
        if self._ticks >= (DRAWS if lively else CALM) or drawn != self._drawn_news:
            self.driver.report_lag()
            if self.aside:
                self.aside.driver.report_lag()
            self._ticks, self._news = 0, False
            self.draw()

    @property
    def shown(self) -> Session:
        """The session on screen: the live one, or the frozen snapshot."""
        return self.frozen[0] if self.frozen else self.live.session

    @property
    def stall_snapshots(self) -> Mapping[int, Snapshot]:
        """The stall snapshots to step through, by stall number: those of the run, or of the matrix cell on screen."""
        return self.origin.stall_snapshots if self.origin else self.live.stall_snapshots.kept

    def view(self) -> View:
        """Return the input of the next drawing."""
        started = BY_NAME.get(self.shown.server.pattern) if self.shown.server else None
        clock = self.driver.now
        return View(
            session=self.shown,
            now=self.frozen[1] if self.frozen else clock,
            palette=self.palette,
            pattern=self.highlighted or started,
            started=started,
            live=self.live.session,
            clock=clock,
            keys=self.key_names,
            client=self.client,
            frozen=self.frozen is not None,
            span=self.span,
            strace_view=self.live.strace_view.is_open,
            chosen_stall=self.stall if self.frozen else None,
            expanded=self.expanded,
            usable=bool(self.live.present),
            pictured=bool(self.stall_snapshots),
            lan=self.lan,
            share=self.plan.options.share or SHARES[0],
            origin=self.origin.session if self.origin else None,
            starts=self.live.starts,
            badge=self.badge,
            ended=isinstance(self.viewed, Streamed) and self.viewed.ended,
            on_stage=self.on_stage,
            steps=self.talk.steps,
            before=compared(self.talk.before, self.live.session, clock),
            following=self.talk.step(1),
            note=self.talk.playlist.note(self.live.pattern),
            scene_recorded=bool(self.aside or self.talk.recording(self.live.pattern or self.highlighted)),
            playback=Playback.of(self.viewed) if isinstance(self.viewed, Recorded) else None,
            texts=self.viewed.texts if self.viewed else None,
        )

    def draw(self) -> None:
        """Draw the panels whose content has changed."""
        try:
            screen = self.screen_stack[0]
            self.talk.update(self.live.session, self.live.pattern, self.driver.now)
            view = self.view()
            self._waits = view.waits
            if not (self.span_chosen or self.frozen) and view.stall:
                self.span = SPANS[1]
            if self.arrangement_changed(view):
                self.fit()
            for panel in self._panels:
                panel.show(view)
            if self.frozen:
                words = banner(view, self.frozen[0], self.stall, len(self.stall_snapshots))
                row = screen.query_one("#banner", Static)
                if str(row.content) != words:
                    row.update(words)
        except (NoMatches, IndexError):  # before the widgets are mounted, or after they are removed
            return
        active = (self.live.running, view.usable, self.client, self.frozen is None, self.place, self.expanded)
        if active != self._active:
            self._active = active
            self.refresh_bindings()

    def _recolour(self) -> None:
        self.palette = Palette.of(self)
        for panel in self.query(Panel):
            panel.stale()
