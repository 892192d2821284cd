"""The timeline's lanes: in which order they come where not all have room."""

from echo_tui.model.connection import Connection
from echo_tui.tui.panels.timeline import TOGETHER, longest_first

NOW = 10**12


def waiting(client: int, since: int) -> Connection:
    """A connection of ours that is in the accept queue since then; 0 for one that waits for nothing."""
    connection = Connection(100 - client, f"127.0.0.1:{client}", since or NOW)
    connection.client = client
    connection.accepted_at = 0 if since else NOW
    return connection


def test_waits_that_look_equal_come_by_their_numbers_and_longer_ones_before() -> None:
    late = NOW + 50 * TOGETHER
    those = [waiting(client, late - client % 4 * (TOGETHER // 10)) for client in (2, 13, 17, 3, 4)]
    found = longest_first([waiting(1, 0), *those, waiting(20, NOW)])
    assert [connection.client for connection in found] == [20, 2, 3, 4, 13, 17, 1]


def test_those_that_wait_for_nothing_stay_as_they_are() -> None:
    those = [waiting(client, 0) for client in (3, 1, 2)]
    assert longest_first(those) == those
