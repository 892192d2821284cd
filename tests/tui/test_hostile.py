"""Bytes from outside: control characters are shown escaped and never reach the terminal."""

import contextlib
import os
import re
import signal
import socket
import time
import unicodedata
from collections.abc import Iterator

import pytest
from echo_servers.records import Block, Bye, Echo, New, Note, WorkerStarted
from echo_tui.model.observations import ClientUnconnected, Output, Unavailable

from tests.crossed import seldom
from tests.tui.stage import LIMIT, SIZES, Stage, dashboard

HOSTILE = {
    "a title": b"\x1b]0;gotcha\x07",
    "C1": "\x9b31m\x9d".encode() + b"\x9b2J",
    "markup": b"[/foo] x [$bar] [b]y[/b] [@click=app.bell]z",
    "NUL and invalid UTF-8": b"\x00\xff\xfe\xc3(\r\n",
    "right to left": "\u202egnp.exe\u2066".encode(),
    "a long line": b"\x1b[31mA" * 10_000,
}


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    opened: list[socket.socket] = []
    yield opened
    for one in opened:
        one.close()


def control_characters(stage: Stage) -> set[str]:
    """Return the control characters in the text of the screen, which a terminal would interpret."""
    return {char for char in stage.text if unicodedata.category(char)[0] == "C" and char != "\n"}


async def connect(stage: Stage, sockets: list[socket.socket]) -> socket.socket:
    assert stage.session.server
    client = socket.create_connection(("127.0.0.1", stage.session.server.port), LIMIT)
    sockets.append(client)
    new = len(sockets)
    await stage.until(lambda: stage.session.totals.new >= new, "a external")
    return client


async def test_hostile_bytes_are_shown_escaped(sockets: list[socket.socket]) -> None:
    async with dashboard("multithread") as stage:
        client = await connect(stage, sockets)
        await stage.shows("external")
        client.setblocking(False)
        for what, data in HOSTILE.items():
            before = stage.session.totals.recv_bytes
            client.send(data)
            await stage.until(lambda: stage.session.totals.recv_bytes > before, what)  # noqa: B023
            await stage.few_redraws()
            assert not control_characters(stage), what
            picture = stage.app.export_screenshot()
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", picture), what
        await stage.press("5", "home", "f")
        await stage.shows(r"Recv: b'\x1b]0;gotcha\x07' from 127.0.0.1:")
        await stage.shows("Recv: b'[/foo] x [$bar] [b]y[/b] [@click'... (43 bytes)")
        await stage.shows(r"Recv: b'\x00\xff\xfe\xc3(\r\n'")


async def test_own_clients_may_send_anything() -> None:
    async with dashboard("asyncio", clients=1) as stage:
        await stage.connected(1)
        for what, data in HOSTILE.items():
            echoed = stage.session.clients[1].echoed
            stage.app.live.client_process.send([1], data[:4000])
            await stage.until(lambda: stage.session.clients[1].echoed > echoed, what)  # noqa: B023
            await stage.press("right", "left", "right")
            assert not control_characters(stage), what
        await stage.press("i")
        await stage.write("[/foo] x [$bar]")
        await stage.press("enter")
        await stage.shows("last b'[/foo] x [$bar]")


async def test_hostile_server() -> None:
    """A server writes hostile text to stderr and in notes, then very much of it, and is killed."""
    async with dashboard("multithread", clients=1) as stage:
        await stage.connected(1)
        assert stage.session.server
        pid, at = stage.session.server.pid, stage.session.server.listening_at
        stderr = os.open(f"/proc/{pid}/fd/2", os.O_WRONLY | os.O_NONBLOCK)
        try:
            for data in HOSTILE.values():
                os.write(stderr, data[:4000] + b"\n")
                stage.session.apply(Note(at, pid, pid, data.decode("utf-8", "replace")))
            await stage.press("5", "f")
            await stage.until(lambda: r"\x1b]0;gotcha\x07" in stage.shown("events"), "the first of it")
            assert not control_characters(stage)
            await stage.press("f")
            for index in range(0, 30_000, 100):
                lines = b"".join(b"\x1b[31m[/foo] %d\n" % number for number in range(index, index + 100))
                while lines:
                    with contextlib.suppress(BlockingIOError):
                        lines = lines[os.write(stderr, lines) :]
                    await stage.pilot.pause(0)
        finally:
            os.close(stderr)
        await stage.shows(r"stderr: \x1b[31m[/foo] 29999")
        assert not control_characters(stage)
        os.kill(pid, signal.SIGKILL)
        await stage.shows("ended by SIGKILL")
        while stage.app.focused is not stage.panel("ended"):
            await stage.press("tab")
        assert not control_characters(stage)
        await stage.press("end")
        await stage.until(lambda: r"\x1b[31m[/foo] 29999" in stage.shown("ended"), "its last words")
        assert not control_characters(stage)


TURNED = "evil\u202egpj.exe\u2066\x1b[2J\u200f"
"""Text with characters that change the writing direction, or that a terminal interprets."""


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]), ids=str)
async def test_forged_records_do_not_change_the_writing_direction(size: tuple[int, int]) -> None:
    async with dashboard("asyncio", size=size, clients=1) as stage:
        await stage.connected(1)
        now, pid = time.monotonic_ns(), 999_999
        for tid in range(3):
            stage.session.apply(WorkerStarted(now, pid, tid, TURNED))
            stage.session.apply(New(now, pid, tid, tid, f"{TURNED}:{tid}"))
            stage.session.apply(Echo(now, pid, tid, tid, 99, TURNED[:8], 1))
            stage.session.apply(Block(now, pid, tid, tid, TURNED, 2.0))
        stage.session.apply(Bye(now, pid, 2, 2, TURNED))
        stage.session.apply(Note(now, pid, pid, TURNED))
        stage.session.apply(Output(now, "stderr", TURNED))
        stage.session.apply(ClientUnconnected(now, 1, TURNED))
        stage.session.apply(Unavailable(now, "threads", TURNED))
        for key in ("1", "2", "3", "4", "5", "6", "7", "8"):
            await stage.press(key, "end", "y")  # this includes the notice of a copied line
            await stage.few_redraws()
            assert not control_characters(stage), key
            assert stage.app.clipboard.isprintable(), "it may be pasted into a terminal, which would interpret it"
            borders = "".join(f"{widget.border_title}{widget.border_subtitle}" for widget in stage.app.query("*"))
            assert not [char for char in borders if unicodedata.category(char)[0] == "C"], key
        assert "evil" in stage.text or size == SIZES[0]
        picture = stage.app.export_screenshot()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", picture)


async def test_notices_and_borders_do_not_change_the_writing_direction() -> None:
    async with dashboard() as stage:
        stage.app.notify(f"{TURNED}\n{TURNED}", title=TURNED, markup=False, timeout=60)
        stage.panel("patterns").title_text = TURNED
        await stage.press("1", "down")
        await stage.until(lambda: stage.text.count("evil") >= 4, "title, two lines, and a border")
        assert not control_characters(stage)
