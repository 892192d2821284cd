"""Shared by the loops that wait for all sockets at once: how a ready client is served.

Which call waits, and how it learns of the sockets, is in each pattern's own file.
"""

import socket
from dataclasses import dataclass

from echo_servers.listener import PAUSE, accept, listen
from echo_servers.report import ReportedConnection
from echo_servers.server import RECV_BYTES, Server


class OutOfReach(Exception):
    """A descriptor that the call can't wait for; the message says why."""


@dataclass(eq=False)
class Peer:
    """A connection, and the echo that it has not received yet; until then nothing more is read from it."""

    sock: socket.socket
    conn: ReportedConnection
    message: bytes = b""
    unsent: bytes = b""
    held_back: bool = False


class ReadyLoop:
    """One thread that waits for all descriptors at once, and serves those that are ready.

    A pattern defines how the call learns of the sockets (`watch`, `forget`), and which call it is (`wait`).
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.listener = listen(server)
        self.listener.setblocking(False)
        self.set_aside = False
        self.peers: dict[int, Peer] = {}
        self.turned_away = 0

    def watch(self, fd: int, *, to_write: bool = False) -> None:
        """Wait for a descriptor from now on, to read or to write. Raises OutOfReach."""
        raise NotImplementedError

    def forget(self, fd: int) -> None:
        """Stop waiting for a descriptor."""
        raise NotImplementedError

    def wait(self, seconds: float | None) -> list[int]:
        """Wait until descriptors are ready, or for this long; return those that are."""
        raise NotImplementedError

    def run(self, name: str) -> None:
        """Serve endlessly, as a worker with this name."""
        self.server.report.worker(name)
        self.server.report.buffer()
        self.watch(self.listener.fileno())
        while True:
            self.server.report.flush()
            ready = self.wait(PAUSE if self.set_aside else None)
            if self.set_aside:
                self.set_aside = False
                self.watch(self.listener.fileno())
            for fd in ready:
                self.serve(fd)

    def serve(self, fd: int) -> None:
        """Do what is possible now for a ready descriptor."""
        peer = self.peers.get(fd)
        if peer is None:
            self.accept()
        elif peer.held_back:
            self.send(peer)
        else:
            self.recv(peer)

    def accept(self) -> None:
        try:
            sock, conn = accept(self.listener, self.server.report)
        except BlockingIOError:  # out of descriptors: watch the listener again after a pause
            self.set_aside = True
            self.forget(self.listener.fileno())
            return
        sock.setblocking(False)
        peer = self.peers[sock.fileno()] = Peer(sock, conn)
        try:
            self.watch(sock.fileno())
        except OutOfReach as refusal:
            self.turn_away(peer, str(refusal))

    def recv(self, peer: Peer) -> None:
        try:
            peer.message = peer.unsent = peer.sock.recv(RECV_BYTES)
        except BlockingIOError:
            return
        except OSError as reset:
            self.leave(peer, type(reset).__name__)
            return
        if not peer.message:
            self.leave(peer)
            return
        self.server.report.recv(peer.conn, peer.message)
        self.server.block.inject(self.server.report, peer.conn)
        self.send(peer)

    def send(self, peer: Peer) -> None:
        try:
            peer.unsent = peer.unsent[peer.sock.send(peer.unsent) :]
        except BlockingIOError:
            pass
        except OSError as reset:
            self.leave(peer, type(reset).__name__)
            return
        if not peer.unsent:
            self.server.report.send(peer.conn, peer.message)
        if peer.held_back != bool(peer.unsent):
            peer.held_back = bool(peer.unsent)
            self.watch(peer.sock.fileno(), to_write=peer.held_back)

    def leave(self, peer: Peer, error: str = "", refused: bool = False) -> None:
        self.forget(peer.sock.fileno())
        del self.peers[peer.sock.fileno()]
        peer.sock.close()
        self.server.report.bye(peer.conn, error, refused)

    def turn_away(self, peer: Peer, why: str) -> None:
        """Close a connection that the call can't wait for; report the first one, the tenth, the hundredth and so on."""
        self.turned_away += 1
        note = f"client {peer.conn.number:,} ({peer.conn.peer}) is turned away: {why}"
        if self.turned_away == 1:
            self.server.report.note(f"{note}; the {len(self.peers) - 1:,} others are served")
        elif str(self.turned_away).strip("0") == "1":
            self.server.report.note(f"{note}; it is the {self.turned_away:,}th")
        self.leave(peer, why, refused=True)
