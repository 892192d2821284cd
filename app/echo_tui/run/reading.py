"""Read a recording piece by piece: plain JSON Lines, gzip or zstd, distinguished by the first bytes.

A file may be truncated, damaged or hostile. What can be read is read, in bounded memory.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import zstandard
from echo_servers.server import BadRequest

PIECE = 1 << 18
"""How much is read and decompressed at a time (bytes)."""
LONGEST_LINE = 1 << 18
"""The limit of a line (bytes); our lines are shorter."""
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class LineReader:
    """The complete lines of a file. Raises BadRequest if it can't be opened."""

    def __init__(self, path: str) -> None:
        if not Path(path).is_file():
            raise BadRequest(f"{path}: {'not a regular file' if Path(path).exists() else 'no such file'}")
        try:
            self._file = open(path, "rb")  # noqa: SIM115
        except OSError as error:
            raise BadRequest(f"{path}: {error.strerror}") from None
        self.damaged = False
        """Whether the file ends within a line, or can't be decompressed."""
        self.read = 0
        """How much of the file has been read (bytes)."""
        self.size = max(Path(path).stat().st_size, 1)
        self._pieces = self._decompressed(self._file)
        self._rest = b""

    def lines(self) -> bytes:
        """Return the next complete lines; empty at the end. Lines longer than any record are omitted."""
        while True:
            try:
                piece = next(self._pieces, b"")
            except (zlib.error, zstandard.ZstdError, OSError, EOFError):
                self.damaged, piece = True, b""
            if not piece:
                self.damaged = self.damaged or bool(self._rest)
                self._rest = b""
                return b""
            head, newline, tail = piece.rpartition(b"\n")
            if newline:
                found, self._rest = self._rest + head + newline, tail
                return found
            self._rest += tail
            if len(self._rest) > LONGEST_LINE + PIECE:  # no line of ours: skip to its end
                self._rest, self.damaged = self._rest[-1:], True

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _decompressed(self, file: IO[bytes]) -> Iterator[bytes]:
        start = file.read(4)
        file.seek(0)
        if start.startswith(GZIP):
            yield from self._gunzipped(file)
        elif start == ZSTD:
            with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(file, read_across_frames=True) as it:
                while piece := it.read(PIECE):
                    self.read = file.tell()
                    yield piece
        else:
            while piece := file.read(PIECE):
                self.read = file.tell()
                yield piece

    def _gunzipped(self, file: IO[bytes]) -> Iterator[bytes]:
        """Yield decompressed data, even of a truncated file, which `gzip` refuses."""
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while packed := file.read(PIECE):
            self.read = file.tell()
            while packed:
                if piece := inflater.decompress(packed, PIECE):
                    yield piece
                packed = inflater.unconsumed_tail
                if inflater.eof:
                    packed = inflater.unused_data
                    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        if rest := inflater.flush():
            yield rest
