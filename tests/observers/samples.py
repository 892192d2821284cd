"""Samples of a listening socket, each by a new observer."""

import socket

from echo_servers.records import address_name
from echo_tui.model.observations import SocketSample
from echo_tui.observers.sockets import SocketSampler


def peers(listener: socket.socket) -> set[str]:
    """Return the peers in the accept queue."""
    return {found.peer for found in seen(listener).sockets if not found.accepted}


def seen(listener: socket.socket) -> SocketSample:
    """Return the first sample of a new observer."""
    sockets = SocketSampler()
    host, port = listener.getsockname()[:2]
    sample = sockets.sample(port, host)
    sockets.close()
    assert sample is not None
    return sample


def name(client: socket.socket) -> str:
    host, port = client.getsockname()[:2]
    return address_name(host, port)


def bare(sample: SocketSample) -> list[tuple[str, int, int, bool]]:
    """Return the sampled sockets without their wait times."""
    return [(found.peer, found.unread, found.unsent, found.accepted) for found in sample.sockets]
