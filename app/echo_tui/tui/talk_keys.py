"""The actions of a talk, each with one key: the demonstration, and everybody speaks, with a block or without."""

from collections.abc import Callable

from echo_servers.catalog import find

from echo_tui.model.activity import SECOND
from echo_tui.tui.panels.patterns import PatternsPanel
from echo_tui.tui.picture import Picture
from echo_tui.words import talk

LINE = b"hello\n"
"""What everybody says."""
DEMO, DEMO_CLIENTS = "asyncio", 3
WITHIN = 10 * SECOND
"""How long (ns) to wait for a server and its clients to be ready."""
CONNECTING = SECOND
"""How long (ns) to wait for clients to be connected; those that are not by then say nothing."""
BEFORE_OTHERS = SECOND
"""How long (ns) the others wait for the first one's call to begin; it may not begin at all."""


class TalkKeys(Picture):
    """The actions of a talk."""

    def action_demo(self) -> None:
        """Start asyncio, open three clients, and have everybody speak with the block armed for the first one."""
        if self.is_unavailable("demo"):
            return
        pattern = find(DEMO)
        self.query_one(PatternsPanel).put(pattern)
        self.start(pattern)
        if (missing := DEMO_CLIENTS - len(self.live.present)) > 0:
            self.live.open_clients(missing)
        self.client = None
        self.pending.when(self._all_served, self._speak_blocking, WITHIN, anyway=True)

    def action_speak(self) -> None:
        """Have every client of ours send a line."""
        self._once_connected(lambda: self.live.client_process.send([], LINE))

    def action_speak_blocking(self) -> None:
        """Arm the block for the first client and have it speak, then all others once its call has begun."""
        self._once_connected(self._speak_blocking)

    def _once_connected(self, act: Callable[[], object]) -> None:
        """Act once our clients are connected, as they are soon after a start; without any, say what to do."""
        if self.live.running and self.live.present:
            self.pending.when(self._all_connected, act, CONNECTING, anyway=True)
        else:
            words = talk.nobody_speaks(self.live.running, self.key_names["new"], self.key_names["demo"])
            self.notify(words, markup=False)

    def _speak_blocking(self) -> None:
        if not (speakers := self._speakers()):
            return
        first, *others = speakers
        connection = self.live.session.clients[first].connection
        assert connection
        self.live.arm(self.live.block.setting, only=int(connection.peer.rpartition(":")[2]))
        began = self.driver.now
        self.live.client_process.send([first], LINE)

        def in_its_call() -> bool:
            begun = connection.key in self.live.session.blocks.running
            return begun or self.driver.now - began > BEFORE_OTHERS

        if others:
            self.pending.when(in_its_call, lambda: self.live.client_process.send(others, LINE), 2 * BEFORE_OTHERS)
        self.draw()

    def _all_connected(self) -> bool:
        speakers = self._speakers()
        return all(number in speakers for number in self.live.present)

    def _speakers(self) -> list[int]:
        """Return the numbers of our connected clients: first the accepted ones that are in no blocking call."""
        clients = self.live.session.clients
        connected = [(number, clients[number].connection) for number in sorted(clients) if not clients[number].ended]
        known = [(number, connection) for number, connection in connected if connection]
        calls = self.live.session.blocks.running
        known.sort(key=lambda each: (not each[1].accepted_at, each[1].key in calls))
        return [number for number, _ in known]

    def _all_served(self) -> bool:
        clients = self.live.session.clients
        those = [clients.get(number) for number in self.live.present]
        return all(client and client.connection and client.connection.accepted_at for client in those)
