"""The article's twelve scenes in a real terminal, in order, each with at most four keys."""

from echo_servers.catalog import find
from echo_tui.tour.playlist import ARTICLE

from tests.e2e.terminal import Terminal, command
from tests.ports import free_port

ENTER = "\r"
SCENES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "single-thread": ((".", "n", "n"), ("not accepted", "busy with one")),
    "multithread": ((".", "E"), ("1 call blocks nobody else", "blocks ")),
    "thread-pool": ((".", "N", ENTER), ("not accepted", "all workers busy")),
    "too-many-threads": ((".",), ("can't start new thread", "refused after")),
    "process-pool": ((".",), ("not accepted", "all workers busy")),
    "process-thread-pool": ((".", "E"), ("1 call blocks nobody else", "blocks ")),
    "nonblocking": ((".",), ("BlockingIOError",)),
    "busy-loop": ((".",), ("% of a core, 0 messages",)),
    "select-loop": ((".", "E"), ("STALLED", "waits for [", "time.sleep(")),
    "asyncio": ((".", "E"), ("STALLED", "waits for [", "time.sleep(")),
    "asyncio-blocking": ((".", "e"), ("STALLED", "waits for [", "time.sleep(")),
    "eventlet": ((".", "E"), ("patched",)),
}
"""The keys of each scene, and the words on the screen afterwards."""


def test_scenes_of_the_article_need_at_most_four_keys() -> None:
    assert tuple(SCENES) == ARTICLE
    with Terminal([command(), "--port", str(free_port())], width=100, height=30) as terminal:
        terminal.shows("show me")
        for name, (keys, words) in SCENES.items():
            assert len(keys) <= 4
            play(terminal, find(name).title, keys)
            for word in words:
                terminal.shows(word)


def play(terminal: Terminal, title: str, keys: tuple[str, ...]) -> None:
    """Go to the next scene and press its other keys, each once its precondition is on the screen."""
    terminal.press(keys[0])
    terminal.until(lambda: title in terminal.screen.display[0], title)
    if len(keys) > 1:
        terminal.until(lambda: "● " in terminal.screen.display[0], "the server listens")
    for key in keys[1:]:
        if key in ("e", "E"):
            terminal.until(lambda: "connected" in terminal.text or "echo in" in terminal.text, "a client is served")
        terminal.press(key)
        if key == "N":
            terminal.shows("How many clients")
