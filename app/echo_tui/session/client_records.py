"""What each record of our own clients does to a session."""

from typing import TYPE_CHECKING

from echo_tui.model import observations as seen
from echo_tui.model.clients import Client
from echo_tui.model.endings import Ending

if TYPE_CHECKING:
    from echo_tui.session.session import Session


def clients_lost(session: "Session", o: seen.ClientsLost) -> None:
    session.totals.lose_client_records(o.records)
    for connection in session.connections.values():  # an echo may be among the lost records
        connection.awaits(0)
    session.log.add(o)


def client_unconnected(session: "Session", o: seen.ClientUnconnected) -> None:
    session.totals.client_reported()
    _client_left(session, session.clients.ended(o.client, o.why), o.at, o.why)
    session.clients.unconnected(o.client)


def client_opening(session: "Session", o: seen.ClientOpening) -> None:
    session.totals.client_reported()
    session.clients.open(o.client, o.at)


def client_connected(session: "Session", o: seen.ClientConnected) -> None:
    session.totals.client_reported()
    client = session.clients.opened(o.client)
    connections = session.connections
    connection = connections.by_peer.get(o.address) or connections.closed_early(o.address, o.at)
    if connection is None or connection.left_at:
        connection = session.open(o.address, o.at)
    connection.belongs_to(o.client, o.at)
    client.connects(connection)


def client_manners(session: "Session", o: seen.ClientManners) -> None:
    session.totals.client_reported()
    session.clients.behaves(o)


def client_load(session: "Session", o: seen.ClientLoad) -> None:
    session.totals.client_reported()
    session.clients.loaded(o)


def flooding(session: "Session", o: seen.Flooding) -> None:
    session.totals.client_reported()
    for peer in session.clients.flooding(o):
        if connection := session.connections.by_peer.get(peer):
            session.leave(connection, o.at, Ending.CLOSED)
    if o.why:
        session.log.add(o)


def client_sent(session: "Session", o: seen.ClientSent) -> None:
    session.totals.client_reported()
    client = session.clients.get(o.client)
    if client and client.connection:
        client.has_sent(o)
        client.connection.sends(o.at)


def client_echo(session: "Session", o: seen.ClientEcho) -> None:
    client = session.clients.get(o.client)
    if client is None or client.connection is None:
        return
    session.totals.client_echoed(o.intact)
    client.has_echo(o)
    if client.connection.has_echo(o):
        session.release(client.connection, o.at)


def client_closed(session: "Session", o: seen.ClientClosed) -> None:
    session.totals.client_reported()
    if o.client in session.clients:
        _client_left(session, session.clients.ended(o.client, o.how, o.about), o.at, o.how)


def _client_left(session: "Session", client: Client, at: int, how: str) -> None:
    """A client's end is closed; where the server has ended, no record will close the other one."""
    connection = client.connection
    if connection and not (connection.closed_at or connection.left_at):
        session.leave(connection, at, how)
        if session.server and not session.server.running:
            session.close(connection, at, how)
