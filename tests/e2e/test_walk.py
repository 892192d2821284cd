"""A new user's first session in a real terminal, with the keys that the footer shows, and external clients."""

import socket
from collections.abc import Iterator

import pytest
from echo_servers.catalog import PATTERNS

from tests.e2e.terminal import Terminal, command
from tests.ports import free_port

DOWN, HOME, ENTER, ESCAPE = "\x1b[B", "\x1b[H", "\r", "\x1b"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def terminal(port: int) -> Iterator[Terminal]:
    with Terminal([command(), "--port", str(port)], width=120, height=36) as started:
        started.shows("show me")
        yield started


def lines_with(terminal: Terminal, *words: str) -> list[str]:
    return [line for line in terminal.screen.display if all(word in line for word in words)]


def start(terminal: Terminal, title: str) -> None:
    """Select a pattern in the list, and start it."""
    terminal.press("1")
    terminal.shows("⏎ start")
    terminal.press(HOME)
    for _ in range([pattern.title for pattern in PATTERNS].index(title)):
        terminal.press(DOWN)
        terminal.read()
    terminal.press(ENTER)
    terminal.until(lambda: title in terminal.screen.display[0] and "serving" in terminal.text, title)


def say(terminal: Terminal, words: str) -> None:
    """Type a line for the chosen client."""
    terminal.press("i")
    terminal.shows("⏎ send")
    terminal.press(words + ENTER)
    terminal.until(lambda: repr(f"{words}\n".encode()) in terminal.text or "to all" in terminal.text, "the line")
    terminal.press(ESCAPE)
    terminal.until(lambda: "⏎ send" not in terminal.text, "the panels")


def test_block_stops_every_client_or_only_the_sender(terminal: Terminal) -> None:
    start(terminal, "asyncio + time.sleep")
    terminal.shows("block: sleep:20 ON")
    for number in (1, 2, 3):
        terminal.press("n")
        terminal.shows(f"[{number}]")
    terminal.until(lambda: "3 open" in terminal.text, "three clients")
    say(terminal, "hogehoge")
    terminal.until(lambda: lines_with(terminal, "[3] :", "blocks"), "the sender")
    terminal.until(
        lambda: lines_with(terminal, "[1] :", "waits for [3]") and lines_with(terminal, "[2] :", "waits for [3]"),
        "the others",
    )
    start(terminal, "thread per client")
    terminal.until(lambda: lines_with(terminal, "[3] :", "idle"), "the same clients")
    terminal.press("b")
    terminal.shows("ON")
    say(terminal, "mogemoge")
    terminal.until(lambda: lines_with(terminal, "[3] :", "blocks"), "the sender")
    assert not lines_with(terminal, "waits for")
    assert not lines_with(terminal, "[1] :", "waits")
    terminal.press("b")
    start(terminal, "single thread")
    terminal.until(lambda: len(lines_with(terminal, "] :", "not accepted")) >= 2, "the second client")


def test_first_screen_is_the_welcome_and_no_panel_of_a_server(terminal: Terminal) -> None:
    terminal.shows("q quit")
    assert "Welcome" in terminal.text
    assert b"Timeline" not in terminal.last


def test_external_clients(terminal: Terminal, port: int) -> None:
    start(terminal, "single thread")
    first = socket.create_connection(("127.0.0.1", port))
    terminal.until(lambda: lines_with(terminal, "external"), "an external client")
    first.sendall(b"hogehoge\n")
    assert first.recv(100) == b"hogehoge\n"
    terminal.shows(f"New client: 127.0.0.1:{first.getsockname()[1]}")
    terminal.shows("Recv: b'hogehoge\\n'")
    terminal.shows("Send: b'hogehoge\\n'")
    second = socket.create_connection(("127.0.0.1", port))
    mine = f":{second.getsockname()[1]}"
    if hasattr(socket, "AF_NETLINK"):
        terminal.until(lambda: lines_with(terminal, mine, "not accepted"), "the second one in the accept queue")
    second.sendall(b"\x1b]0;gotcha\x07 \x9b31m [/foo] \x00\xff")
    first.close()
    terminal.shows("Bye-Bye:")
    terminal.shows("\\x1b]0;gotcha\\x07 \\x9b31m [/foo] \\x00\\xff")
    second.close()


@pytest.mark.slow
def test_any_size(terminal: Terminal) -> None:
    start(terminal, "single thread")
    terminal.press("n")
    for width, height in ((80, 24), (30, 10), (160, 45), (100, 30)):
        terminal.resize(width, height)
        if width < 80:
            terminal.shows("needs 80 x 24")
        else:
            terminal.until(lambda: "Timeline" in terminal.text and "q quit" in terminal.screen.display[-1], "a picture")
    terminal.press("q")
    terminal.shows("Quit?")
    terminal.press("y")
    terminal.until(terminal.ended, "the end")
    assert terminal.code == 0
