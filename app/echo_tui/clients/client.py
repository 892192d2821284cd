"""One client: a connection under a number that outlives it, from connect(2) to its end."""

import contextlib
import socket
import struct
from enum import Enum, auto

from echo_servers.listener import name
from echo_servers.records import preview

from echo_tui.clients import failures
from echo_tui.clients.failures import Destination
from echo_tui.clients.ledger import Ledger
from echo_tui.clients.loop import READ, WRITE, ClientLoop, clock
from echo_tui.clients.messages import LoadClock, Message, Outbox, PendingBurst
from echo_tui.model.endings import Ending
from echo_tui.model.observations import ClientClosed, ClientConnected, ClientManners, ClientOpening, ClientSent

LEAVE_WITHIN = 1_000_000_000
"""Nanoseconds that a polite close waits for the rest of the echoes."""
AT_ONCE = 16
"""Messages that a client sends before it is another client's turn."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close(2) send a reset."""


class ClientState(Enum):
    """The state of a client's connection."""

    CLOSED = auto()
    QUEUED = auto()
    OPENING = auto()
    OPEN = auto()
    LEAVING = auto()


class EchoClient:
    """One of our clients. It is `wanted` until it is asked to close; only a wanted one is opened again."""

    def __init__(self, number: int, loop: ClientLoop) -> None:
        self.number = number
        self.wanted = False
        self._loop = loop
        self._state = ClientState.CLOSED
        self._socket: socket.socket | None = None
        self._target = Destination("", None)
        self._ledger = Ledger(number)
        self._outbox = Outbox(number)
        self._message: Message | None = None
        self._unsent = b""
        self._paused = False
        self._half_closed = False
        self._awaits_room = False

    # Requests to a client

    def open(self, target: Destination) -> None:
        """Connect when it is this client's turn, unless it is open already."""
        self.wanted = True
        if self._state is ClientState.LEAVING:
            self._over(Ending.CLOSED)
        if self._state is ClientState.CLOSED:
            self._target = target
            self._state = ClientState.QUEUED
            self._loop.openings.add(self)

    def connect(self) -> None:
        """Call connect(2), unless the client has been closed while it was queued."""
        if self._state is not ClientState.QUEUED:
            return
        target = self._target
        self._loop.events.add(ClientOpening(clock(), self.number))
        if target.address is None:
            self._over(target.name)
            return
        try:
            self._socket = socket.socket(target.family, socket.SOCK_STREAM)
            self._state = ClientState.OPENING
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.connect(target.address)
        except BlockingIOError:
            pass
        except OSError as error:
            self._over(*failures.failed(error, target))
            return
        self._watch()

    def reopen(self, target: Destination) -> None:
        """Close a connection that still exists, and connect to `target`."""
        if not self.wanted:
            return
        if self._state is ClientState.QUEUED:
            self._target = target
            return
        if self._state is not ClientState.CLOSED:
            self._over(Ending.CLOSED)
        self.open(target)

    def stop_connecting(self, why: str) -> None:
        """Give up a connection that is not established yet; the client stays wanted."""
        if self._state in (ClientState.QUEUED, ClientState.OPENING):
            self._over(why)

    def put(self, what: bytes | PendingBurst) -> bool:
        """Send a line or a burst as soon as possible. Return False if too many wait; a closed client ignores it."""
        if self._state not in (ClientState.QUEUED, ClientState.OPENING, ClientState.OPEN) or self._half_closed:
            return True
        accepted = self._outbox.put(what)
        self._loop.eager[self] = None
        return accepted

    def chatter(self, per_second: float, size: int) -> None:
        """Start a load, or stop it with 0."""
        if not self.wanted:
            return
        self._outbox.chatter = LoadClock(self.number, per_second, size, clock()) if per_second else None
        self._loop.alarms.cancel(self)
        self._loop.eager[self] = None

    def pause(self, paused: bool) -> None:
        """Stop reading from the connection, or continue."""
        if self.wanted:
            self._paused = paused
            self._report_manners()
            self._watch()

    def half_close(self) -> None:
        """Send nothing more after the message that has begun; the remaining echoes are still read."""
        if self._state is not ClientState.OPEN or self._half_closed:
            return
        self._half_closed = True
        self._outbox.forget()
        self._loop.alarms.cancel(self)
        self._report_manners()
        self._say_goodbye()

    def close(self, reset: bool) -> None:
        """Close the connection for good, politely or by a reset."""
        wanted, self.wanted, self._paused = self.wanted, False, False
        self._outbox.forget()
        self._outbox.chatter = None
        if self._state in (ClientState.QUEUED, ClientState.OPENING) or (wanted and self._state is ClientState.CLOSED):
            self._over(Ending.CLOSED)
        elif self._socket is None:
            return
        elif reset:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._over(Ending.RESET)
        elif self._state is ClientState.OPEN:
            self._leave()

    # Called by the loop

    def ready(self, mask: int) -> None:
        """Handle a socket that can be read or written."""
        if self._state is ClientState.OPENING:
            self._connected()
            return
        if mask & READ:
            self._receive()
        if mask & WRITE:
            self.pump()

    def wake(self) -> None:
        """Handle a load that is due, or a polite close that has lasted long enough."""
        if self._state is ClientState.LEAVING:
            self._over(Ending.CLOSED)
        else:
            self.pump()

    def pump(self) -> None:
        """Send what is due, as far as the kernel, the ledger and the turns of other clients allow."""
        if self._state not in (ClientState.OPEN, ClientState.LEAVING):
            return
        for _ in range(AT_ONCE):
            if not self._send():
                break
        else:
            self._loop.eager[self] = None
        if (self._message is None) is self._awaits_room:
            self._watch()
        if self._state is ClientState.LEAVING or self._half_closed:
            self._say_goodbye()
        elif self._state is ClientState.OPEN:
            self._set_alarm()

    # Implementation

    def _connected(self) -> None:
        at = clock()
        assert self._socket is not None
        try:
            if code := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(code, "")
            address = self._socket.getsockname()
            if connected_to_itself(self._socket):
                raise ConnectionRefusedError
        except OSError as error:
            self._over(*failures.failed(error, self._target))
            return
        self._state = ClientState.OPEN
        self._loop.events.add(ClientConnected(at, self.number, name(address)))
        if self._paused:
            self._report_manners()
        if self._outbox.chatter:
            self._outbox.chatter.restart(at)
        self.pump()

    def _send(self) -> bool:
        """Write one message, or the rest of one. Return False if that is all for now."""
        assert self._socket is not None
        at = clock()
        if self._message is None and not self._take(at):
            return False
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            return False
        except OSError as error:
            self._over(*failures.broken(error))
            return False
        self._sent(sent, at)
        return self._message is None and self._outbox.has_more(at)

    def _take(self, now: int) -> bool:
        if not (self._half_closed or self._ledger.full) and (message := self._outbox.take(now)):
            self._message, self._unsent = message, message.data()
            return True
        return False

    def _sent(self, sent: int, at: int) -> None:
        message, unsent = self._message, self._unsent
        assert message is not None
        if len(unsent) == message.size:
            # A message counts from its first byte on: a large one may be stuck with its last bytes here.
            self._ledger.sent(message)
            self._loop.events.add(ClientSent(at, self.number, message.size, preview(unsent)))
        if sent == len(unsent):
            self._message = None
        else:
            self._unsent = unsent[sent:]

    def _receive(self) -> None:
        assert self._socket is not None
        try:
            size = self._socket.recv_into(self._loop.buffer)
        except BlockingIOError:
            return
        except OSError as error:
            self._over(*failures.broken(error))
            return
        at = clock()
        if not size:
            self._over(Ending.CLOSED if self._state is ClientState.LEAVING else Ending.SERVER_CLOSED)
            return
        was_full = self._ledger.full
        for echo in self._ledger.returned(bytes(self._loop.buffer[:size]), at):
            self._loop.events.add(echo)
        if was_full:
            self._loop.eager[self] = None

    def _leave(self) -> None:
        self._state = ClientState.LEAVING
        self._loop.alarms.set(self, clock() + LEAVE_WITHIN)
        self._watch()
        self._say_goodbye()

    def _say_goodbye(self) -> None:
        """Close the sending side after the message that has begun; the remaining echoes are still read."""
        if self._socket is not None and self._message is None:
            # If the server has gone already, the next recv says how.
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)

    def _set_alarm(self) -> None:
        # While the ledger or the kernel is full, the next echo or the next free byte wakes the client.
        if self._outbox.chatter and not self._ledger.full and self._message is None:
            self._loop.alarms.set(self, self._outbox.chatter.due)
        else:
            self._loop.alarms.cancel(self)

    def _report_manners(self) -> None:
        self._loop.events.add(ClientManners(clock(), self.number, not self._paused, not self._half_closed))

    def _watch(self) -> None:
        if self._socket is None:
            return
        if self._state is ClientState.OPENING:
            mask = WRITE
        else:
            mask = 0 if self._paused and self._state is ClientState.OPEN else READ
            mask |= WRITE if self._message else 0
        self._awaits_room = bool(mask & WRITE)
        self._loop.watch(self._socket.fileno(), mask, self.ready)

    def _over(self, how: str, about: str = "") -> None:
        """Forget what belonged to the connection, and report its end: how, and about which address or number."""
        if self._socket is not None:
            self._loop.watch(self._socket.fileno(), 0, self.ready)
            self._socket.close()
            self._socket = None
        self._state, self._half_closed = ClientState.CLOSED, False
        self._message, self._unsent = None, b""
        self._ledger.clear()
        self._outbox.forget()
        self._loop.alarms.cancel(self)
        self._loop.events.add(ClientClosed(clock(), self.number, how, about))


def connected_to_itself(client: socket.socket) -> bool:
    """Return whether the kernel chose the port that was to be connected to, with nobody else there (RFC 9293, 3.5)."""
    return bool(client.getsockname() == client.getpeername())
