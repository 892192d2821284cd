"""A recording as tables of comma-separated values, and as one JSON document."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from echo_servers.plain import plain, plain_json

from echo_tui.diagnosis.report import StallReport
from echo_tui.model.connection import Connection
from echo_tui.model.observations import CoresSample, Observation, ProcessSample, SocketSample
from echo_tui.reports.findings import Findings, NumberedStall, RecordingPart

TableRow = Sequence[object]
CONNECTIONS = (
    "part", "server", "number", "peer", "client", "begin_s", "accepted_s", "closed_s", "received_messages",
    "received_bytes", "sent_messages", "sent_bytes", "error",
)  # fmt: skip
STALLS = (
    "stall", "part", "server", "begin_s", "end_s", "seconds", "cause", "attribution", "injected", "victims", "file",
    "line", "function", "call",
)  # fmt: skip
SAMPLES = ("at_s", "kind", "pid", "cpu_percent", "rss_bytes", "threads", "queue", "queue_limit", "unread_bytes")


def connections(findings: Findings) -> str:
    """Return the connections as CSV: the open ones, and the latest closed ones."""
    rows = [
        _connection(findings, number, part, each)
        for number, part in enumerate(findings.parts, 1)
        for each in sorted((*part.session.connections.values(), *part.session.connections.closed), key=_number)
    ]
    return _csv(CONNECTIONS, rows)


def stalls(findings: Findings, chosen: Sequence[NumberedStall]) -> str:
    """Return stalls as CSV."""
    return _csv(STALLS, [_stall(findings, *entry) for entry in chosen])


def samples(findings: Findings, observations: Iterable[Observation]) -> str:
    """Return the samples of processes, cores and the accept queue as CSV."""
    return _csv(SAMPLES, [row for one in observations if (row := _sample(one, _since(findings)))])


def document(findings: Findings, chosen: Sequence[NumberedStall], header: msgspec.Struct) -> str:
    """Return a recording as one JSON document: header, servers with their summaries, and stalls."""
    servers = [
        {"server": part.name, "begin": part.begin, "end": part.end, "summary": msgspec.to_builtins(part.summary())}
        for part in findings.parts
    ]
    found = {
        "header": msgspec.to_builtins(header),
        "begin": findings.begin,
        "end": findings.end,
        "servers": servers,
        "stalls": [{**msgspec.to_builtins(stall), "number": number} for number, _, stall in chosen],
    }
    return plain_json(msgspec.json.format(msgspec.json.encode(found)).decode()) + "\n"


def _number(connection: Connection) -> int:
    return connection.number


def _since(findings: Findings) -> Callable[[int | None], float | None]:
    return lambda at: round((at - findings.begin) / 1e9, 6) if at else None


def _connection(findings: Findings, number: int, part: RecordingPart, c: Connection) -> TableRow:
    since = _since(findings)
    return (
        number, part.name, c.number, c.peer, c.client, since(c.opened_at), since(c.accepted_at), since(c.closed_at),
        c.recv, c.recv_bytes, c.send, c.send_bytes, c.error,
    )  # fmt: skip


def _stall(findings: Findings, number: int, part: RecordingPart, stall: StallReport) -> TableRow:
    since, culprit = _since(findings), stall.culprit
    length = round(((stall.end or findings.end) - stall.begin) / 1e9, 6)
    where = (culprit.file, culprit.line, culprit.function, culprit.call) if culprit else (None,) * 4
    return (
        number, findings.parts.index(part) + 1, part.name, since(stall.begin), since(stall.end), length, stall.cause,
        stall.attribution, stall.injected, " ".join(victim.peer for victim in stall.victims), *where,
    )  # fmt: skip


def _sample(one: Observation, since: Callable[[int | None], float | None]) -> TableRow | None:
    match one:
        case ProcessSample():
            return since(one.at), "process", one.pid, one.cpu, one.rss, one.threads, None, None, None
        case SocketSample():
            unread = sum(socket.unread for socket in one.sockets)
            return since(one.at), "sockets", None, None, None, None, one.queue, one.limit, unread
        case CoresSample():
            return since(one.at), "cores", None, " ".join(f"{p:g}" for p in one.percent), None, None, None, None, None
    return None


def _csv(heads: Sequence[str], rows: Iterable[TableRow]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Return a value as a spreadsheet reads it: text that looks like a formula is kept as text."""
    if not isinstance(value, str):
        return value
    value = plain(value)
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value
