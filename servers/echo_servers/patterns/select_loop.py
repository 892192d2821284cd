"""One thread, one select: told anew each time for whom it waits, it looks at all of them, and knows 1,024 at most."""

import select

from echo_servers.ready import Loop, OutOfReach
from echo_servers.server import Server


class SelectLoop(Loop):
    """Who is waited for is our own affair: the kernel is handed all of them with each call, and forgets them."""

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
