"""One thread, one select: it gets all descriptors with each call, scans all of them, and supports 1,024 at most."""

import select

from echo_servers.ready import OutOfReach, ReadyLoop
from echo_servers.server import Server


class SelectLoop(ReadyLoop):
    """The program keeps the sets and passes all of them to the kernel with each call."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.readers: set[int] = set()
        self.writers: set[int] = set()

    def wait(self, seconds: float | None) -> list[int]:
        readable, writable, _ = select.select(self.readers, self.writers, [], seconds)
        return readable + writable

    def watch(self, fd: int, *, to_write: bool = False) -> None:
        try:
            select.select([fd], [], [], 0)
        except ValueError:
            raise OutOfReach(f"its descriptor is {fd}, and select takes none so high (FD_SETSIZE)") from None
        self.forget(fd)
        (self.writers if to_write else self.readers).add(fd)

    def forget(self, fd: int) -> None:
        self.readers.discard(fd)
        self.writers.discard(fd)


def serve(server: Server) -> None:
    SelectLoop(server).run("select loop")
