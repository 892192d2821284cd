"""All of our clients, in one thread of the client process, controlled by lines on standard input."""

import os
from collections.abc import Iterable

import msgspec

from echo_tui.clients import commands
from echo_tui.clients.client import EchoClient
from echo_tui.clients.commands import (
    DECODER,
    Asked,
    Chatter,
    Close,
    HalfClose,
    Open,
    PauseReading,
    Reopen,
    SendMessage,
    StopConnecting,
)
from echo_tui.clients.events import Events
from echo_tui.clients.failures import Destination
from echo_tui.clients.flood import SocketFlood
from echo_tui.clients.loop import READ, ClientLoop
from echo_tui.clients.messages import PendingBurst
from echo_tui.model.client_notes import ClientNote

STDIN = 0
LINE_LIMIT = 2 * 1024 * 1024
"""The bytes of one command; a longer line can't come from a dashboard."""


class ClientGroup:
    """The clients by number, and the commands that reach them."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._loop = ClientLoop(events)
        self._clients: dict[int, EchoClient] = {}
        self._flood = SocketFlood(self._loop)
        self._line = b""
        self._ended = False

    def run(self) -> None:
        """Serve until standard input ends."""
        self._loop.watch(STDIN, READ, self._read_commands)
        while not self._ended:
            self._loop.turn()

    def _read_commands(self, mask: int) -> None:
        data = os.read(STDIN, 64 * 1024)
        *lines, self._line = (self._line + data).split(b"\n")
        self._ended = not data or len(self._line) > LINE_LIMIT
        for line in lines:
            try:
                self._obey(DECODER.decode(line))
            except (msgspec.DecodeError, UnicodeEncodeError) as error:
                self._events.note(ClientNote.NOT_UNDERSTOOD, str(error))

    def _obey(self, command: Asked) -> None:
        match command:
            case Open():
                self._open(command)
            case Reopen():
                self._flood.end()
                target = Destination.find(command.host, command.port)
                for client in self._clients.values():
                    client.reopen(target)
            case StopConnecting():
                self._flood.end()
                for client in self._clients.values():
                    client.stop_connecting(command.why)
            case SendMessage():
                data = command.data.encode("latin-1")
                self._put(dict.fromkeys(self._named(command.clients), data))
            case commands.Burst():
                named = self._named(command.clients)
                self._put({client: PendingBurst(command.count, command.size) for client in named})
            case Chatter():
                for client in self._named(command.clients):
                    client.chatter(command.per_second, command.size)
            case Close():
                for client in self._named(command.clients):
                    client.close(command.reset)
            case PauseReading():
                for client in self._named(command.clients):
                    client.pause(command.paused)
            case HalfClose():
                for client in self._named(command.clients):
                    client.half_close()
            case commands.Flood():
                self._flood.end()
                if command.count:
                    self._flood.begin(Destination.find(command.host, command.port), command.count, command.seconds)

    def _open(self, command: Open) -> None:
        target = Destination.find(command.host, command.port)
        for number in command.clients or list(self._clients):
            if number not in self._clients:
                self._clients[number] = EchoClient(number, self._loop)
            self._clients[number].open(target)

    def _put(self, what: dict[EchoClient, bytes] | dict[EchoClient, PendingBurst]) -> None:
        refused = [str(client.number) for client, one in what.items() if not client.put(one)]
        if refused:
            self._events.note(ClientNote.MESSAGE_DROPPED, ", ".join(refused[:5]))

    def _named(self, numbers: Iterable[int]) -> list[EchoClient]:
        numbers = list(numbers) or list(self._clients)
        return [self._clients[number] for number in numbers if number in self._clients]
