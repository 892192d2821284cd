"""One thread, one epoll (or kqueue): the kernel keeps the list, and returns only the ready ones."""

import selectors

from echo_servers.ready import ReadyLoop
from echo_servers.server import Server


class EpollLoop(ReadyLoop):
    """The kernel learns of each socket once and keeps the ready ones: a turn costs the same for any number."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.selector = selectors.DefaultSelector()  # epoll on Linux, kqueue on macOS and the BSDs

    def wait(self, seconds: float | None) -> list[int]:
        return [key.fd for key, _ in self.selector.select(seconds)]

    def watch(self, fd: int, *, to_write: bool = False) -> None:
        if fd in self.selector.get_map():
            self.forget(fd)
        self.selector.register(fd, selectors.EVENT_WRITE if to_write else selectors.EVENT_READ)

    def forget(self, fd: int) -> None:
        self.selector.unregister(fd)


def serve(server: Server) -> None:
    EpollLoop(server).run("epoll loop")
