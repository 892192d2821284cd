"""One thread, one poll: a list of any length instead of select's sets, still scanned as a whole each time."""

import select

from echo_servers.ready import ReadyLoop
from echo_servers.server import BadRequest, Server


class PollLoop(ReadyLoop):
    """Python keeps the list and passes all of it to the kernel with each call, however few are ready."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.list = select.poll()

    def wait(self, seconds: float | None) -> list[int]:
        return [fd for fd, _ in self.list.poll(None if seconds is None else seconds * 1000)]

    def watch(self, fd: int, *, to_write: bool = False) -> None:
        self.list.register(fd, select.POLLOUT if to_write else select.POLLIN)

    def forget(self, fd: int) -> None:
        self.list.unregister(fd)


def serve(server: Server) -> None:
    if not hasattr(select, "poll"):
        raise BadRequest("this system has no poll: choose epoll-loop, which takes the best that it has")
    PollLoop(server).run("poll loop")
