"""The latest observations of a run, compressed in memory, so that they can be saved later."""

import zlib
from collections import deque
from collections.abc import Iterator

from echo_tui.model.carried import Carried
from echo_tui.model.observations import ENCODER
from echo_tui.observers.pipe import decode

LIMIT = 64 << 20
"""The limit of memory (bytes) for compressed observations, about 5,000,000 of them."""
CHUNK = 1 << 18
"""How much (bytes) is compressed at a time, in about 3 ms."""
FAST = 1
"""zlib's level: about an eighth of the size, at 100 MB/s."""


class Ring:
    """Lines of JSON. At the limit the oldest are dropped; state that later ones depend on is carried over."""

    def __init__(self, limit: int = LIMIT, chunk: int = CHUNK) -> None:
        self._limit, self._chunk = limit, chunk
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._newest = bytearray()
        self._carried = Carried()
        self.begin = 0
        """The time (ns) of the last dropped observation; 0 if none was dropped."""

    @property
    def dropped(self) -> int:
        """The number of dropped observations."""
        return self._carried.dropped

    def add(self, lines: bytes) -> None:
        """Append whole lines."""
        self._newest += lines
        if len(self._newest) < self._chunk:
            return
        self._chunks.append(zlib.compress(self._newest, FAST))
        self._size += len(self._chunks[-1])
        self._newest.clear()
        while self._size > self._limit and self._chunks:
            oldest = self._chunks.popleft()
            self._size -= len(oldest)
            found = decode(zlib.decompress(oldest))
            self._carried.drop(found)
            self.begin = max(self.begin, *(one.at for one in found))

    def lines(self) -> Iterator[bytes]:
        """Yield all lines in order, many at a time, beginning with the carried ones."""
        yield ENCODER.encode_lines(self._carried.observations())
        for chunk in self._chunks:
            yield zlib.decompress(chunk)
        yield bytes(self._newest)
