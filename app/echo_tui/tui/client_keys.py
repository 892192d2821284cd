"""The actions on our clients, one method for each key."""

from collections.abc import Callable

from echo_servers.pattern import LOOP, THREAD, Pattern
from textual.widgets import Input

from echo_tui.clients.commands import BURST_LIMIT, RATE_LIMIT
from echo_tui.tui.answers import BYTES, burst, rate, whole
from echo_tui.tui.dialogs import Confirm, Menu, ask
from echo_tui.tui.keys import MISBEHAVIOUR
from echo_tui.tui.picture import Picture
from echo_tui.words import target

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
        ask(self, "How many clients to open?", f"1 to {MOST_CLIENTS:,}", "10", whole(1, MOST_CLIENTS), self._open_many)

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

    def say(self, line: str) -> None:
        """Send a typed line from the chosen client, or from all; if none has been opened yet, open one."""
        if not self.live.clients and self.live.running:
            self.action_new_client()
        elif not any(self._connected(number) for number in self.chosen or self.live.session.clients):
            self.notify(f"Nothing was sent: {self._who()} not connected", severity="warning", markup=False)
            return
        self.live.client_process.say(self.chosen, f"{line}\n".encode())

    def _connected(self, number: int) -> bool:
        client = self.live.session.clients.get(number)
        return bool(client and client.connection and not client.ended)

    def action_load(self) -> None:
        ask(
            self,
            f"Messages a second from {self._who()}?",
            f"0.01 to {RATE_LIMIT:,.0f}; 0 stops. {BYTES} bytes each, or 10x64k for large ones, whether the echo has "
            "come or not.",
            "1",
            rate,
            lambda answer: self.live.load(self.chosen, *answer),
        )

    def action_burst(self) -> None:
        ask(
            self,
            f"How many messages at once from {self._who()}?",
            f"1 to {BURST_LIMIT:,}, of {BYTES} bytes; 2000x64k for large ones",
            str(BURST),
            burst,
            lambda answer: self.live.client_process.burst(self.chosen, *answer),
        )

    def _who(self) -> str:
        return "all clients" if self.client is None else f"client [{self.client}]"

    def action_close_client(self, reset: bool) -> None:
        count = len(self.live.present)
        if self.client is not None or count < 2:
            self.live.close_clients(self.chosen, reset)
            return
        question = f"{'Reset' if reset else 'Close'} all {count:,} clients?"
        self.push_screen(Confirm(question), lambda yes: self.live.close_clients([], reset) if yes else None)

    # Misbehaviour.

    def action_misbehave(self) -> None:
        silent = f"A silent client ({self.key_names['new']}) costs {price(self.live.pattern)}."
        menu = Menu(f"How should {self._who()} misbehave?", silent, MISBEHAVIOUR)
        self.push_screen(menu, self._act)

    def _act(self, action: str | None) -> None:
        if not action:
            return
        if action != "flood" and not self.live.present:
            self.notify(f"No client to do that: {self.key_names['new']} opens one", markup=False)
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
            self.notify("No flood: no server of ours listens", severity="warning", markup=False)
            return
        count = self.live.flood()
        self.notify(f"{count} connections at once" if count else "The flood ends", markup=False)


def price(pattern: Pattern | None) -> str:
    """Return a sentence on what a silent client costs a server."""
    if pattern is None:
        return "a pool a worker, and a loop nothing"
    if pattern.serves_in == LOOP:
        return "a loop nothing"
    if pattern.workers:
        return "the pool a worker"
    return "a thread of its own" if pattern.serves_in == THREAD else "the only thread"
