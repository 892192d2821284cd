"""The order of the timeline's lanes where not all of them fit."""

from echo_tui.model.connection import Connection
from echo_tui.tui.panels.timeline import TOGETHER, longest_first

NOW = 10**12


def waiting(client: int, since: int) -> Connection:
    """Return a connection of ours in the accept queue since `since` (ns); 0: one that is accepted and idle."""
    connection = Connection(100 - client, f"127.0.0.1:{client}", since or NOW)
    connection.client = client
    connection.accepted_at = 0 if since else NOW
    return connection


def ordered(connections: list[Connection]) -> list[Connection]:
    pending = {connection.number: connection.pending_since for connection in connections}
    return longest_first(connections, {number: since for number, since in pending.items() if since})


def test_longer_waits_come_first_and_equal_ones_by_number() -> None:
    late = NOW + 50 * TOGETHER
    those = [waiting(client, late - client % 4 * (TOGETHER // 10)) for client in (2, 13, 17, 3, 4)]
    found = ordered([waiting(1, 0), *those, waiting(20, NOW)])
    assert [connection.client for connection in found] == [20, 2, 3, 4, 13, 17, 1]


def test_connections_that_do_not_wait_keep_their_order() -> None:
    those = [waiting(client, 0) for client in (3, 1, 2)]
    assert ordered(those) == those
