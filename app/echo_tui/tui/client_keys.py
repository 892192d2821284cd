"""The actions on our clients, one method for each key."""

from collections.abc import Callable

from echo_servers.pattern import LOOP, THREAD, Pattern
from textual.widgets import Input

from echo_tui.clients.commands import BURST_LIMIT, RATE_LIMIT
from echo_tui.tui.answers import BYTES, burst, rate, whole
from echo_tui.tui.dialogs import Confirm, Menu, ask
from echo_tui.tui.keys import MISBEHAVIOUR
from echo_tui.tui.picture import Picture
from echo_tui.words import dialogs, notices, target, unavailable

MOST_CLIENTS = 5000
BURST = 100


class ClientKeys(Picture):
    """The actions on our clients: open, choose, send, misbehave and close."""

    @property
    def chosen(self) -> list[int]:
        """The clients that an action applies to; an empty list means all."""
        return [] if self.client is None else [self.client]

    confirmed = False
    """Whether the person has agreed to connect to a server that was not started here."""

    def action_new_client(self) -> None:
        self._once_confirmed(self._open_one)

    def _open_one(self) -> None:
        self.client = self.live.open_clients(1)[0]
        self.fit()

    def _once_confirmed(self, act: Callable[[], object]) -> None:
        """Act; before the first connection to somebody else's server, ask."""
        server = self.live.session.server
        if self.live.starts or self.confirmed or not server:
            act()
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.confirmed = True
                act()

        self.push_screen(Confirm(target.confirm(server.address)), answered)

    def action_new_clients(self) -> None:
        self._once_confirmed(self._ask_how_many)

    def _ask_how_many(self) -> None:
        question, hint = dialogs.question("clients"), dialogs.hint("clients", MOST_CLIENTS)
        ask(self, question, hint, "10", whole(1, MOST_CLIENTS), self._open_many)

    def _open_many(self, count: int) -> None:
        self.live.open_clients(count)
        self.client = None
        self.fit()

    def action_choose(self, step: int) -> None:
        numbers = sorted(self.live.present)
        if self.client is None:
            others = [numbers[0 if step > 0 else -1]] if numbers else []
        else:  # the chosen client may be gone
            others = [n for n in numbers[::step] if (n > self.client if step > 0 else n < self.client)]
        self.client = others[0] if others else None
        self.draw()

    def action_choose_all(self) -> None:
        self.client = None
        self.draw()

    def action_type(self) -> None:
        if self.expanded != "clients":
            self.expanded = None
            self.fit()
        self.screen.set_focus(self.screen.query_one(Input))

    def send_line(self, line: str) -> None:
        """Send a typed line from the chosen client, or from all; if none has been opened yet, open one."""
        if not self.live.clients and self.live.running:
            self.action_new_client()
        elif not any(self._connected(number) for number in self.chosen or self.live.session.clients):
            self.notify(notices.nothing_sent(self._who()), severity="warning", markup=False)
            return
        self.live.client_process.send(self.chosen, f"{line}\n".encode())

    def _connected(self, number: int) -> bool:
        client = self.live.session.clients.get(number)
        return bool(client and client.connection and not client.ended)

    def action_load(self) -> None:
        if self.client is not None and self.client not in self.live.present:
            self.notify(dialogs.is_closed(self.client), markup=False)
            return
        ask(
            self,
            dialogs.question("load", self._who()),
            dialogs.hint("load", RATE_LIMIT, BYTES),
            "1",
            rate,
            lambda answer: self.live.load(self.chosen, *answer),
        )

    def action_burst(self) -> None:
        ask(
            self,
            dialogs.question("burst", self._who()),
            dialogs.hint("burst", BURST_LIMIT, BYTES),
            str(BURST),
            burst,
            lambda answer: self.live.client_process.burst(self.chosen, *answer),
        )

    def _who(self) -> str:
        return dialogs.whom(self.client)

    def action_close_client(self, reset: bool) -> None:
        count = len(self.live.present)
        if self.client is not None or count < 2:
            self.live.close_clients(self.chosen, reset)
            return
        self.push_screen(
            Confirm(dialogs.close_all(count, reset)), lambda yes: self.live.close_clients([], reset) if yes else None
        )

    # Misbehaviour.

    def action_misbehave(self) -> None:
        silent = dialogs.silent_client(self.key_names["new"], served_by(self.live.pattern))
        menu = Menu(dialogs.question("misbehave", self._who()), silent, MISBEHAVIOUR)
        self.push_screen(menu, self._act)

    def _act(self, action: str | None) -> None:
        if not action:
            return
        if action != "flood" and not self.live.present:
            self.notify(unavailable.nobody_to_do_that(self.key_names["new"]), markup=False)
        else:
            self.call_later(self.run_action, action)

    def action_toggle_reading(self) -> None:
        """Make the chosen clients stop reading, or resume if none of them reads."""
        those = [number for number in self.live.present if self.client in (None, number)]
        reads = any(self.live.session.clients[number].reading for number in those)
        self.live.client_process.pause_reading(self.chosen, reads)

    def action_half_close(self) -> None:
        self.live.client_process.half_close(self.chosen)

    def action_flood(self) -> None:
        if not self.live.listening:
            self.notify(unavailable.reason("nobody-to-flood"), severity="warning", markup=False)
            return
        self.notify(notices.flood(self.live.flood()), markup=False)


def served_by(pattern: Pattern | None) -> str:
    """Return what serves a silent client, as a key of `words.dialogs.COSTS`."""
    if pattern is None:
        return "any"
    if pattern.serves_in == LOOP:
        return "loop"
    if pattern.workers:
        return "pool"
    return "thread" if pattern.serves_in == THREAD else "only"
