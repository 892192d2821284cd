"""The actions on the screen, one method for each key."""

from datetime import datetime
from pathlib import Path

from echo_servers.catalog import find
from textual.widgets import Input

from echo_tui.experiments.measure import Measured
from echo_tui.experiments.parameters import CellParameters
from echo_tui.session.stall_snapshots import Snapshot
from echo_tui.tui import text
from echo_tui.tui.details import StallDetails, sections
from echo_tui.tui.help import Help
from echo_tui.tui.keys import PANELS
from echo_tui.tui.layout import STAGE
from echo_tui.tui.matrix import PLACES, MatrixScreen, Place
from echo_tui.tui.new_files import save_new
from echo_tui.tui.palette import THEMES
from echo_tui.tui.panel import Panel
from echo_tui.tui.panels.stalls import StallsPanel
from echo_tui.tui.panels.timeline import SPANS
from echo_tui.tui.picture import Picture
from echo_tui.words import notices, unavailable


class ScreenKeys(Picture):
    """The actions on the screen: freeze, go back to stalls, zoom, expand, move between panels, copy, save."""

    cell: Place = PLACES[0]
    """The cell of the matrix that the cursor was on last."""

    def action_freeze(self) -> None:
        if self.frozen:
            self.show_snapshot(None)
        else:
            self.show_snapshot((self.live.session.snapshot(), self.view().now))

    def show_snapshot(
        self, snapshot: Snapshot | None, stall: int | None = None, origin: Measured | None = None
    ) -> None:
        """Show a snapshot, perhaps of a stall or from a matrix cell (`origin`); None returns to the live session."""
        if self.origin and not origin:  # back from a snapshot of the matrix
            self.highlighted = self.live.pattern or self.highlighted
        self.frozen, self.stall, self.origin = snapshot, stall, origin
        self.screen_stack[0].set_class(snapshot is not None, "frozen")
        self.draw()

    def action_stall(self, step: int) -> None:
        """Go to the stall before or after the one on screen; after the last one, to the live session."""
        numbers = sorted(self.stall_snapshots)
        here = self.stall if self.frozen and self.stall else (numbers[-1] + 1 if numbers else 0)
        those = [number for number in numbers if (number < here if step < 0 else number > here)]
        if those:
            self.show_stall(those[-1] if step < 0 else those[0])
        elif step > 0 and self.frozen:
            self.show_snapshot(None)
        elif not self.is_unavailable("stall-before"):
            known = self.view().goes_on.stalls.all
            if step > 0:
                why = "no-stall-after"
            else:
                why = "no-snapshot" if any(stall.number < here for stall in known) else "no-stall-before"
            self.notify(unavailable.reason(why), markup=False)

    def show_stall(self, number: int) -> None:
        """Show the snapshot of a stall."""
        if snapshot := self.stall_snapshots.get(number):
            self.show_snapshot(snapshot, number, self.origin)
        else:
            self.notify(unavailable.reason("no-snapshot"), severity="warning", markup=False)

    def action_details(self) -> None:
        """Show the details of the stall under the cursor, else of the stall in focus, else of the latest one."""
        if self.is_unavailable("details"):
            return
        view, panel = self.view(), self.focused
        chosen = panel.chosen if isinstance(panel, StallsPanel) else None
        stall = chosen or view.stall or view.session.stalls.all[-1]
        self.push_screen(StallDetails(list(sections(view, view.whole(stall)))))

    def action_toggle_strace(self) -> None:
        """Open or close the strace view, and move the focus to the system calls or back to the events."""
        if self.is_unavailable("strace"):
            return
        if self.live.strace_view.is_open:
            self.live.strace_view.close()
            if self.place == "calls":
                self.action_go("events")
        else:
            try:
                self.live.open_strace_view()
                self.notify(notices.strace_slows(), markup=False)
                self.action_go("calls")
            except OSError as error:
                self.notify(notices.strace_failed(str(error)), severity="error", markup=False)
        self.draw()

    def action_matrix(self) -> None:
        """Open the isolation matrix. Measuring stops the running server, which would distort the figures."""
        self.show_snapshot(None)
        ran = False

        def stop() -> None:
            nonlocal ran
            ran = ran or self.live.running
            self.live.stop()

        screen = MatrixScreen(self.measured, CellParameters(), stop, self.cell)

        def leave(chosen: Measured | None) -> None:
            self.cell = screen.at
            if ran:
                self.live.start_again()
            if chosen and chosen.snapshot and chosen.cell.blame:
                self.highlighted = find(chosen.cell.pattern)
                self.show_snapshot(chosen.snapshot, chosen.cell.blame.number, chosen)
            self.draw()

        self.push_screen(screen, leave)

    def action_zoom(self, step: int) -> None:
        self.span_chosen = True
        self.span = SPANS[min(max(SPANS.index(self.span) + step, 0), len(SPANS) - 1)]
        self.draw()

    def action_expand(self) -> None:
        self.expanded = None if self.expanded else self.focused_place
        self.fit()

    def action_stage(self) -> None:
        """Switch between the layout for an audience and the one with all panels."""
        self.on_stage, self.expanded = not self.on_stage, None
        self.fit()

    def action_hop(self, step: int) -> None:
        stops, here = self.stops(), self.focused_place
        index = stops.index(here) + step if here in stops else 0
        self.action_go(stops[index % len(stops)])

    def action_go(self, name: str) -> None:
        self.expanded = None
        self.on_stage = self.on_stage and name in STAGE
        if self.instead and name not in ("patterns", "clients"):
            name = self.instead
        if self.live.strace_view.is_open and name == "events":
            name = "calls"  # they replace the events
        if name in PANELS or name == "calls":
            self.move_to(name)
        self.fit()
        self.screen.set_focus(self.screen.query_one("#client-list" if name == "clients" else f"#{name}"))

    def action_leave(self) -> None:
        if self.expanded:
            self.action_expand()
        elif isinstance(self.focused, Input):
            self.action_go("patterns")
        elif self.origin:
            self.action_matrix()
        elif self.frozen:
            self.action_freeze()
        elif self.on_stage:
            self.action_stage()

    def action_copy_line(self) -> None:
        panel = self.focused
        if isinstance(panel, Panel) and panel.first <= panel.cursor < panel.last:
            line = text.clean(panel.copied(panel.cursor))  # it may be pasted into another terminal
            self.copy_to_clipboard(line)
            self.notify(line, title=notices.title("copied"), markup=False)

    def action_next_theme(self) -> None:
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]

    def action_screenshot_file(self) -> None:
        folder = Path("screenshots")
        try:
            folder.mkdir(exist_ok=True)
            svg = self.export_screenshot()
            path, _ = save_new(folder, self.picture_name(), ".svg", lambda new: new.write_text(svg, encoding="utf-8"))
        except OSError as error:
            self.notify(notices.no_picture(str(error)), severity="error", markup=False)
        else:
            self.notify(path.name, title=notices.picture_saved(str(folder)), markup=False)

    def action_help(self) -> None:
        self.push_screen(Help(self.keymap))

    def picture_name(self) -> str:
        """Return a file name, without suffix, for a screenshot: with the pattern or "matrix", and the time."""
        subject = self.live.pattern.name if self.live.pattern else "start"
        if isinstance(self.screen, MatrixScreen):
            subject = "matrix"
        return f"echo-tui-{subject}-{datetime.now():%Y%m%d-%H%M%S}"
