"""Records on a pipe, and the article's lines on stdout as well: a watched server that prints (`--print`).

Printing blocks if nobody reads the lines, so each event is reported to the pipe before it is printed. A block is
printed first, because it begins as soon as it is reported.
"""

from echo_servers.report import Report, ReportedConnection


class BothReport(Report):
    """Forwards every event to `piped`, and to `printed` what the article prints."""

    def __init__(self, piped: Report, printed: Report) -> None:
        super().__init__()
        self._piped = piped
        self._printed = printed

    def new(self, peer: str) -> ReportedConnection:
        conn = self._piped.new(peer)
        self._piped.flush()
        self._printed.new(peer)
        return conn

    def recv(self, conn: ReportedConnection, data: bytes) -> None:
        self._piped.recv(conn, data)
        self._piped.flush()
        self._printed.recv(conn, data)

    def send(self, conn: ReportedConnection, data: bytes) -> None:
        self._piped.send(conn, data)
        self._piped.flush()
        self._printed.send(conn, data)

    def bye(self, conn: ReportedConnection, error: str = "", refused: bool = False) -> None:
        self._piped.bye(conn, error, refused)
        self._piped.flush()
        self._printed.bye(conn, error, refused)

    def block(self, conn: ReportedConnection, kind: str, seconds: float, cooperative: bool = False) -> None:
        self._printed.block(conn, kind, seconds, cooperative)  # first, because the call begins once it is reported
        self._piped.block(conn, kind, seconds, cooperative)

    def threads(self, count: int) -> None:
        self._piped.threads(count)
        self._printed.threads(count)

    def forked(self) -> None:
        self._piped.forked()
        self._printed.forked()

    # What is not printed.

    def listening(self, host: str, port: int, backlog: int) -> None:
        self._piped.listening(host, port, backlog)

    def worker(self, name: str) -> None:
        self._piped.worker(name)

    def serve(self, conn: ReportedConnection) -> None:
        self._piped.serve(conn)

    def waits(self, conn: ReportedConnection) -> None:
        self._piped.waits(conn)

    def hand(self, conn: ReportedConnection, helpers: int) -> None:
        self._piped.hand(conn, helpers)

    def out_of_descriptors(self) -> None:
        self._piped.out_of_descriptors()

    def unblock(self, conn: ReportedConnection) -> None:
        self._piped.unblock(conn)

    def note(self, text: str, code: str = "") -> None:
        self._piped.note(text, code)

    def buffer(self) -> None:
        self._piped.buffer()

    def flush(self) -> None:
        self._piped.flush()

    def woken(self, in_vain: int) -> None:
        self._piped.woken(in_vain)
