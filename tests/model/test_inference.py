"""Records inferred from samples: workers, connections, and the bytes read from and written to them."""

from collections.abc import Sequence

from echo_servers.records import Bye, Listening, New, Recv, Send, Serve, WorkerStarted
from echo_tui.model.evidence import Socket, Thread
from echo_tui.model.inference import ASKED, PATIENCE, SETTLED, UNKNOWN, Inference
from echo_tui.model.observations import (
    IdleCalls,
    Observation,
    SocketSample,
    ThreadSample,
)
from hypothesis import given
from hypothesis import strategies as st

PID = 40
STEP = 50_000_000
PEER = "127.0.0.1:50001"


def thread(call: str, peer: str = "", tid: int = PID, pid: int = PID) -> Thread:
    return Thread(pid, tid, "python", call, peer, False, 0, 0, None, None)


def socket(peer: str = PEER, received: int | None = 0, unread: int = 0, written: int | None = 0, accepted: bool = True,
           ) -> Socket:  # fmt: skip
    return Socket(peer, unread, 0, accepted, None, received, written)


class Watched:
    """An inference and the observations that it has added to the samples it was given."""

    def __init__(self) -> None:
        self.inference = Inference(PID, "127.0.0.1", 8000)
        self.at = STEP
        self.found: list[Observation] = []

    def threads(self, *threads: Thread, gone: Sequence[tuple[int, int]] = ()) -> None:
        self._infer(ThreadSample(self.at, list(threads), list(gone), len(threads), STEP))

    def sockets(self, *sockets: Socket) -> None:
        self.inference.ask()
        self._infer(SocketSample(self.at, 0, 128, 0, [], list(sockets), STEP))
        self.at += STEP

    def _infer(self, sample: Observation) -> None:
        found = list(self.inference.infer([sample]))
        assert found.count(sample) == 1
        self.found += [one for one in found if one is not sample]

    def of(self, kind: type) -> list[Observation]:
        return [one for one in self.found if isinstance(one, kind)]


def test_thread_idle_in_accept_is_a_worker() -> None:
    watched = Watched()
    watched.threads(thread("accept4"))
    watched.sockets()
    assert watched.of(WorkerStarted) == [WorkerStarted(STEP, PID, PID, "python")]
    assert watched.of(IdleCalls) == [IdleCalls(STEP, ["accept"])]
    assert watched.of(Listening) == [Listening(STEP, PID, PID, "127.0.0.1", 8000, 128)]


def test_connection_belongs_to_the_only_accepting_thread_at_first() -> None:
    watched = Watched()
    watched.threads(thread("accept4"))
    watched.sockets(socket())
    watched.threads(thread("recvfrom", PEER, tid=41))
    (new,) = watched.of(New)
    assert isinstance(new, New)
    assert (new.pid, new.tid, new.peer) == (PID, PID, PEER)
    assert watched.of(Serve) == [Serve(2 * STEP, PID, 41, new.conn)]


def test_polling_thread_is_a_worker_only_if_none_is_idle_in_accept() -> None:
    loop, parent = Watched(), Watched()
    loop.threads(thread("epoll_wait"))
    parent.threads(thread("poll"), thread("accept4", pid=41, tid=41))
    for watched in (loop, parent):
        watched.sockets(socket())
    assert [(w.pid, w.tid) for w in loop.of(WorkerStarted) if isinstance(w, WorkerStarted)] == [(PID, PID)]
    assert [(w.pid, w.tid) for w in parent.of(WorkerStarted) if isinstance(w, WorkerStarted)] == [(41, 41)]


def test_polling_thread_becomes_a_worker_once_settled() -> None:
    watched = Watched()
    watched.threads(thread("epoll_wait"))
    while watched.at < STEP + SETTLED:
        watched.sockets()
        assert not watched.of(WorkerStarted)
    watched.sockets()
    assert watched.of(WorkerStarted)


def test_new_record_waits_until_the_serving_thread_is_seen() -> None:
    watched = Watched()
    watched.threads(thread("accept4", pid=41, tid=41), thread("accept4", pid=42, tid=42))
    watched.sockets(socket())
    first = watched.at - STEP
    assert not watched.of(New)
    watched.threads(thread("recvfrom", PEER, pid=42, tid=42))
    watched.sockets(socket())
    assert watched.of(New) == [New(first, 42, 42, 1, PEER)]


def test_thread_that_is_never_seen_is_unknown() -> None:
    watched = Watched()
    watched.threads(thread("accept4", pid=41, tid=41), thread("accept4", pid=42, tid=42))
    for _ in range(PATIENCE):
        watched.sockets(socket())
        assert not watched.of(New)
    watched.sockets(socket())
    assert [(new.pid, new.tid) for new in watched.of(New) if isinstance(new, New)] == [(PID, UNKNOWN)]


def test_what_was_accepted_and_read_before_the_first_sample_comes_before_all_waits() -> None:
    watched = Watched()
    watched.at = 100 * STEP
    watched.threads(thread("epoll_wait"))
    queued = Socket("127.0.0.1:50002", 5, 0, False, 3000)
    watched.sockets(socket(received=7), queued)
    (new,), (recv,) = watched.of(New), watched.of(Recv)
    assert new.at == recv.at < 100 * STEP - 3000 * 1_000_000
    watched.sockets(socket(received=9), queued)
    assert watched.of(Recv)[1].at > 100 * STEP, "later progress is dated as it is seen"


def test_connection_closed_by_the_server_gets_a_bye() -> None:
    watched = Watched()
    watched.threads(thread("epoll_wait"))
    watched.sockets(socket())
    watched.sockets(socket(accepted=False))
    assert len(watched.of(Bye)) == 1
    assert not watched.inference.known


def test_connections_are_queried_in_turns() -> None:
    watched = Watched()
    watched.threads(thread("epoll_wait"))
    everybody = [socket(f"127.0.0.1:{port}") for port in range(50_000, 50_000 + 3 * ASKED)]
    watched.sockets(*everybody)
    asked: set[str] = set()
    for _ in range(3):
        turn = watched.inference.ask()
        assert len(turn) == ASKED
        asked.update(turn)
    assert asked == {each.peer for each in everybody}


changes = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 5)), max_size=30)


@given(changes)
def test_bytes_read_and_written_add_up(those: list[tuple[int, int, int]]) -> None:
    """Each step of `those` gives the bytes that arrive, that stay unread at most, and that are written at most."""
    watched = Watched()
    watched.threads(thread("epoll_wait"))
    received = unread = written = 0
    for came, left, wrote in those:
        received += came
        unread = min(left, unread + came)
        written = min(written + wrote, received - unread)
        watched.sockets(socket(received=received, unread=unread, written=written))
    read = sum(one.size for one in watched.of(Recv) if isinstance(one, Recv))
    sent = sum(one.size for one in watched.of(Send) if isinstance(one, Send))
    assert (read, sent) == (received - unread, written)
    assert all(one.at <= watched.at for one in watched.found)
