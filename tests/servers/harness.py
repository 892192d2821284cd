"""Real servers in their own processes, for the tests in this directory."""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TypeVar

import msgspec
import psutil
from echo_servers.block import PAGE_BYTES, BlockPage
from echo_servers.catalog import BY_NAME, PATTERNS
from echo_servers.pattern import LOOP, PROCESS, THREAD
from echo_servers.records import Bye, Echo, Listening, Lost, New, Recv, Reported, Send

PATIENCE = 20.0
"""Seconds after which a condition counts as failed; far longer than it needs."""
BRIEFLY = 0.05
"""Seconds to wait for something that must not happen."""
SERVING = tuple(pattern.name for pattern in PATTERNS if pattern.serves)
DIFFERENT = ("single-thread", "thread-pool", "process-pool", "select-loop", "asyncio", "process-loops", "eventlet")
"""Patterns that differ most; the others nearly always behave like one of them, and are tested by `make test-all`."""
QUICK = DIFFERENT[:-1]
"""Those of them that start in a third of the time that Eventlet needs, for what no monkey patch can change."""
ONE_AT_A_TIME = tuple(p.name for p in PATTERNS if p.serves_in == PROCESS and not p.workers)
READY_LOOPS = ("select-loop", "poll-loop", "epoll-loop")
LOOPS = tuple(name for name in SERVING if BY_NAME[name].serves_in == LOOP)
BLOCKED_AS_ONE = (
    *ONE_AT_A_TIME,
    *(name for name in LOOPS if not (BY_NAME[name].moves or BY_NAME[name].workers)),
)
COOPERATIVE = tuple(name for name in SERVING if "sleep" in BY_NAME[name].moves and BY_NAME[name].moves_to != THREAD)
"""Patterns in which a sleep blocks no thread of the serving process: it is patched, or runs in a helper process."""
POOLS = tuple(p.name for p in PATTERNS if p.serves_in in (PROCESS, THREAD) and p.workers == "processes")
"""Patterns whose child processes each serve a limited number of connections."""
PROCESSES = (*POOLS, *(p.name for p in PATTERNS if p.shares))
"""Patterns whose connections are served by child processes."""
FORKING = tuple(p.name for p in PATTERNS if p.workers == "processes")
"""Patterns that have child processes."""

T = TypeVar("T")
R = TypeVar("R", bound=Reported)


def eventually(condition: Callable[[], T | None], what: str) -> T:
    """Wait until the condition is true, and return its value."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.002)
    return value


class Stream:
    """What has been read from a pipe so far."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.data = b""

    def drain(self) -> bool:
        """Read what is available; return False at the end of the pipe."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(100):  # bounded, because a flood refills the pipe as fast as it is read
                chunk = os.read(self.fd, 2**18)
                self.data += chunk
                if not chunk:
                    return False
        return True

    @property
    def text(self) -> str:
        self.drain()
        return self.data.decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def to_the_end(self) -> str:
        """Wait for the end of the pipe and return everything that was written to it."""
        eventually(lambda: not self.drain(), "the pipe ends")
        return self.data.decode()


class Events(Stream):
    """The records read from a server's pipe, an echo as its two events; an incomplete line fails to decode."""

    _decoder = msgspec.json.Decoder(Reported)

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self._records: list[Reported] = []

    def widen(self) -> None:
        """Enlarge the pipe to hold thousands of records, where the system can."""
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, 2**20)

    def take(self) -> list[Reported]:
        """Return the records that have arrived since the last call, as they were written."""
        self.drain()
        whole, newline, self.data = self.data.rpartition(b"\n")
        return self._decoder.decode_lines(whole + newline)

    @property
    def records(self) -> list[Reported]:
        for record in self.take():
            self._records += record.halves() if isinstance(record, Echo) else (record,)
        return self._records

    def of(self, kind: type[R]) -> list[R]:
        return [record for record in self.records if isinstance(record, kind)]

    def totals(self) -> Lost:
        """Return all counts, of single records and of `Lost`; `events` counts only the lost ones."""
        total = Lost(0, 0, 0)
        for record in self.records:
            match record:
                case New():
                    total.new += 1
                case Recv():
                    total.recv += 1
                    total.recv_bytes += record.size
                case Send():
                    total.send += 1
                    total.send_bytes += record.size
                case Bye():
                    total.bye += 1
                case Lost():
                    for field in ("events", "new", "recv", "recv_bytes", "send", "send_bytes", "bye"):
                        setattr(total, field, getattr(total, field) + getattr(record, field))
        return total


@dataclass
class Running:
    """A server under test."""

    pattern: str
    process: subprocess.Popen[bytes]
    out: Stream
    err: Stream
    events: Events
    page: BlockPage
    leash: int
    port: int = 0
    host: str = "127.0.0.1"

    def connect(self, receive_buffer: int = 0) -> socket.socket:
        client = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(PATIENCE)
        client.connect((self.host, self.port))
        return client

    def clients(self, count: int) -> list[socket.socket]:
        return [self.connect() for _ in range(count)]

    def until(self, kind: type[R], count: int = 1) -> list[R]:
        """Wait for this many records of a kind."""
        return eventually(
            lambda: found if len(found := self.events.of(kind)) >= count else None,
            f"{count} {kind.__name__} from {self.pattern}",
        )

    def group(self) -> list[psutil.Process]:
        """Return the server's processes that are alive."""
        return [process for process in psutil.process_iter() if self._is_mine(process)]

    def _is_mine(self, process: psutil.Process) -> bool:
        try:
            return os.getpgid(process.pid) == self.process.pid and process.status() != psutil.STATUS_ZOMBIE
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False

    def workers(self) -> list[psutil.Process]:
        """Return the processes that serve connections."""
        main = psutil.Process(self.process.pid)
        return main.children() if self.pattern in PROCESSES else [main]

    def cpu(self) -> float:
        """Return the CPU seconds that the serving processes have used."""
        return sum(sum(worker.cpu_times()[:2]) for worker in self.workers())

    def ended(self) -> int:
        """Wait until every process of the server has ended; return the exit code."""
        code = self.process.wait(PATIENCE)
        eventually(lambda: not self.group(), f"{self.pattern} leaves no process behind")
        return code

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.ended()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        os.close(self.events.fd)
        with contextlib.suppress(OSError):
            os.close(self.leash)


class Starter:
    """Starts servers, and stops all of them."""

    def __init__(self) -> None:
        self.running: list[Running] = []

    def __call__(
        self, pattern: str, *options: str, printed: bool = False, host: str = "127.0.0.1", page: bool = True
    ) -> Running:
        """Start a server on a free port, and wait until it listens."""
        server = self.launch(pattern, *options, "--host", host, printed=printed, page=page)
        server.host = host
        if printed:
            eventually(lambda: "serving" in server.err.text, f"{pattern} serves")
            server.port = int(server.err.lines[0].split(",")[0].rpartition(":")[2])
        else:
            server.port = server.until(Listening)[0].port
        return server

    def launch(self, pattern: str, *options: str, printed: bool = False, page: bool = True) -> Running:
        reader, writer = os.pipe()
        tied, leash = os.pipe()
        shared: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        shared.truncate(PAGE_BYTES)
        command = [sys.executable, "-m", "echo_servers", pattern, "--port", "0", "--leash", str(tied)]
        command += ["--page", str(shared.fileno())] if page else []
        command += [] if printed else ["--events", str(writer)]
        process = subprocess.Popen(
            [*command, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(tied, shared.fileno(), *(() if printed else (writer,))),
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        )
        assert process.stdout
        assert process.stderr
        server = Running(
            pattern,
            process,
            Stream(process.stdout.fileno()),
            Stream(process.stderr.fileno()),
            Events(reader),
            BlockPage(shared.fileno()),
            leash,
        )
        self.running.append(server)
        shared.close()
        os.close(tied)
        os.close(writer)
        return server

    def stop_all(self) -> None:
        while self.running:
            self.running.pop().stop()
