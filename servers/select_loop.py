"""One thread, one select: it waits for all sockets at once and serves whichever is ready."""

import select
import socket
from dataclasses import dataclass

from servers.listener import PAUSE, accept, listen
from servers.report import Connection
from servers.server import RECV_BYTES, Server


@dataclass(eq=False)
class Peer:
    """A connection, and the echo that it has not taken yet."""

    sock: socket.socket
    conn: Connection
    message: bytes = b""
    unsent: bytes = b""

    def fileno(self) -> int:
        return self.sock.fileno()


class Loop:
    """Who is waited for: each peer for reading or, while the kernel has no room for its echo, for writing."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.listener = listen(server)
        self.listener.setblocking(False)
        self.readers: set[Peer | socket.socket] = {self.listener}
        self.writers: set[Peer] = set()

    def run(self) -> None:
        while True:
            self.server.report.flush()
            # With the listener set aside (out of descriptors), look at it again after a pause.
            timeout = None if self.listener in self.readers else PAUSE
            readable, writable, _ = select.select(self.readers, self.writers, [], timeout)
            self.readers.add(self.listener)
            for ready in readable:
                if isinstance(ready, Peer):
                    self.recv(ready)
                else:
                    self.accept()
            for peer in writable:
                self.send(peer)

    def accept(self) -> None:
        try:
            sock, conn = accept(self.listener, self.server.report)
        except BlockingIOError:
            self.readers.discard(self.listener)
            return
        peer = Peer(sock, conn)
        try:
            select.select([peer], [], [], 0)
        except ValueError:
            self.server.report.note(f"select can't watch descriptor {sock.fileno()}: {conn.peer} is turned away")
            self.leave(peer, "beyond select's descriptors")
            return
        sock.setblocking(False)
        self.readers.add(peer)

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
        self.server.block.strike(self.server.report, peer.conn)
        self.send(peer)

    def send(self, peer: Peer) -> None:
        try:
            peer.unsent = peer.unsent[peer.sock.send(peer.unsent) :]
        except BlockingIOError:
            pass
        except OSError as reset:
            self.leave(peer, type(reset).__name__)
            return
        if peer.unsent:
            self.readers.discard(peer)
            self.writers.add(peer)
        else:
            self.server.report.send(peer.conn, peer.message)
            self.writers.discard(peer)
            self.readers.add(peer)

    def leave(self, peer: Peer, error: str = "") -> None:
        self.readers.discard(peer)
        self.writers.discard(peer)
        peer.sock.close()
        self.server.report.bye(peer.conn, error)


def serve(server: Server) -> None:
    loop = Loop(server)
    server.report.worker("select loop")
    server.report.hold()
    loop.run()
