"""Record a run as JSON Lines in the order they are folded: from the start into a file, or later from memory."""

import gzip
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, Protocol, cast

import msgspec
import zstandard
from echo_servers.server import BadRequest

from echo_tui.model.observations import ENCODER, Observation
from echo_tui.run.header import StreamHeader
from echo_tui.run.privacy import Privacy
from echo_tui.run.ring import Ring

FLUSH = 1.0
"""How often (s) a file is flushed: at most this much is lost if the program is killed."""
GZIP, ZSTD = ".gz", ".zst"
LEVEL = 3


@dataclass(frozen=True)
class Recording:
    """The requested recording: a file, if all is to be recorded from the start, and what is omitted."""

    path: str | None = None
    privacy: Privacy = field(default_factory=Privacy)

    def recorder(self, header: StreamHeader, ring: Ring | None = None) -> "Recorder":
        """Return a recorder for a run. Raises BadRequest if the file can't be written."""
        return Recorder(header, self.privacy, self.path, ring)


class Sink(Protocol):
    """A writable file, compressed or not."""

    def write(self, data: bytes, /) -> object: ...
    def flush(self) -> object: ...
    def close(self) -> object: ...


class Recorder:
    """Records the observations of a run."""

    def __init__(
        self, header: StreamHeader, privacy: Privacy | None = None, path: str | None = None, ring: Ring | None = None
    ) -> None:
        """With `path`, everything is written there from the start; with `ring`, `save` writes the latest observations.

        `header` is the first line of each file. Raises BadRequest if the file can't be written.
        """
        self._header, self._privacy, self._ring = header, privacy or Privacy(), ring
        self.failure = ""
        """Why the file is no longer written; empty while it is."""
        self.path = path
        self._sink: Sink | None = None
        self._flushed = time.monotonic()
        if path:
            try:
                self._sink = create(path)
                self._sink.write(self._first_line())
                self._sink.flush()
            except OSError as error:
                raise BadRequest(f"{path}: {error.strerror or error}") from None

    def hear(self, found: Sequence[Observation]) -> None:
        """Record observations. After a write error the file is abandoned, and `failure` says why."""
        if not found or not (self._sink or self._ring):
            return
        lines = self._privacy.scrub(ENCODER.encode_lines(self._privacy.kept(found)))
        if self._ring:
            self._ring.add(lines)
        if self._sink:
            self._try(lambda sink: sink.write(lines))
            now = time.monotonic()
            if now - self._flushed >= FLUSH:
                self._flushed = now
                self._try(lambda sink: sink.flush())

    def save(self, path: str) -> int:
        """Write the ring's contents into a new file, and return its size (bytes). Raises OSError."""
        assert self._ring
        sink = create(path)
        try:
            sink.write(self._first_line(self._ring.dropped, self._ring.begin))
            for lines in self._ring.lines():
                sink.write(lines)
        finally:
            sink.close()
        return os.stat(path).st_size

    def close(self) -> None:
        """Finish the file."""
        self._try(lambda sink: sink.close())
        self._sink = None

    def _first_line(self, dropped: int = 0, begin: int = 0) -> bytes:
        header = msgspec.structs.replace(self._header, dropped=dropped, begin=begin)
        return self._privacy.scrub(ENCODER.encode(header)) + b"\n"

    def _try(self, does: Callable[[Sink], object]) -> None:
        if not self._sink:
            return
        try:
            does(self._sink)
        except OSError as error:
            self.failure = error.strerror or str(error)
            self._sink = None


def create(path: str) -> Sink:
    """Create a file that only its owner can read, compressed by its suffix. Raises OSError, also if it has contents."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.fstat(descriptor).st_size:
        os.close(descriptor)
        raise FileExistsError(0, "this file exists already")
    file = os.fdopen(descriptor, "wb")
    if path.endswith(ZSTD):
        return cast(Sink, zstandard.ZstdCompressor(LEVEL).stream_writer(file))
    return _Gzip(file) if path.endswith(GZIP) else file


class _Gzip(gzip.GzipFile):
    """A gzip file that also closes the underlying file."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__("", "wb", LEVEL, file)
        self._file = file

    def close(self) -> None:
        super().close()
        self._file.close()
