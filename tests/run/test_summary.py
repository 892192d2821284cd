"""What a run came to, in numbers."""

from echo_servers.records import New, Recv, Send
from echo_tui.model.observations import ClientConnected, ClientEcho, ClientSent, Observation
from echo_tui.reports.summary import Latencies, summarize
from echo_tui.session.session import Session

MS = 1_000_000
PEER = "127.0.0.1:50001"


def test_messages_that_one_write_returns_count_one_by_one() -> None:
    found: list[Observation] = [ClientConnected(MS, 1, PEER), New(2 * MS, 7, 7, 1, PEER)]
    found += [ClientSent(number * MS, 1, 6, "hello\n") for number in (3, 4, 5)]
    found += [Recv(6 * MS, 7, 7, 1, 18, "hello\n"), Send(7 * MS, 7, 7, 1, 18, "hello\n")]
    found += [ClientEcho((5 + number) * MS, 1, 6, "hello\n", 5 * MS, 0) for number in (3, 4, 5)]
    session, latencies = Session(), Latencies()
    session.apply_all(found)
    latencies.add(found)
    summary = summarize(session, latencies, 2.0, (1, 0), 0)
    assert summary.latency
    assert (summary.latency.count, summary.echoes_per_second) == (3, 1.5)
