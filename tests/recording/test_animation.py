"""Animated pictures: each frame is shown at its time, and each content of a row is stored once."""

import io
import re
from collections.abc import Iterable
from xml.etree import ElementTree

from echo_tui.reports.animation import ROW, Film
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

WIDTH, HEIGHT, EACH, HOLD = 24, 4, 0.2, 1.0
COLOURS = ("red", "white on blue", "bold green", "")
runs = st.lists(st.tuples(st.text("ab<&'\" ", min_size=1, max_size=5), st.sampled_from(COLOURS)), max_size=4)
frames = st.lists(st.lists(runs, min_size=HEIGHT, max_size=HEIGHT), min_size=1, max_size=6)


def picture(rows: list[list[tuple[str, str]]]) -> str:
    console = Console(width=WIDTH, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for row in rows:
        console.print(Text.assemble(*row), no_wrap=True, overflow="crop")
    return console.export_svg(title="")


def animated(pictures: Iterable[str], size: tuple[int, int]) -> str:
    film = Film()
    for each in pictures:
        film.add(each)
    return film.developed(size, EACH, HOLD)


def cells(rows: list[list[tuple[str, str]]]) -> list[str]:
    return ["".join(text for text, _ in row).rstrip() for row in rows]


def shown(svg: str, seconds: float) -> list[str]:
    """Return the text of the rows at a time."""
    root = ElementTree.fromstring(svg)
    style = root.findtext("{*}style") or ""
    whole = float(re.findall(r"animation:([\d.]+)s", style)[0])
    steps = {
        name: [(float(share), on == "visible") for share, on in re.findall(r"([\d.]+)%\{visibility:(\w+)\}", body)]
        for name, body in re.findall(r"@keyframes (\w+)\{((?:[\d.]+%\{[^}]*\})*)\}", style)
    }
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    for group in root.iterfind("{*}g/{*}g"):
        past = [on for share, on in steps.get(group.get("class", ""), [(0, True)]) if share <= seconds / whole * 100]
        if past[-1]:
            row = round(float(re.findall(r"translate\(0 ([\d.]+)\)", group.get("transform", ""))[0]) / ROW)
            for text in group.iterfind("{*}text"):
                column = round(float(text.get("x", "0")) / 12.2)
                words = (text.text or "").replace("\xa0", " ")
                rows[row][column : column + len(words)] = words
    return ["".join(row).rstrip() for row in rows]


@given(frames)
@settings(deadline=None, max_examples=60)
def test_each_frame_is_shown_at_its_time(frames: list[list[list[tuple[str, str]]]]) -> None:
    svg = animated(map(picture, frames), (WIDTH, HEIGHT))
    for number, rows in enumerate(frames):
        assert shown(svg, (number + 0.5) * EACH) == cells(rows)
    assert shown(svg, len(frames) * EACH + HOLD / 2) == cells(frames[-1])


def test_unchanged_row_is_stored_once() -> None:
    still, moving = [("a still row", "red")], [[("first", "")], [("second", "")], [("first", "")]]
    svg = animated((picture([still, row]) for row in moving), (WIDTH, 2))
    assert svg.count("still") == 1
    assert svg.count("first") == 1


def test_wide_character_takes_two_cells() -> None:
    svg = animated([picture([[("日本語", "red"), ("abc", "green")]])], (WIDTH, 1))
    found = {text.text: text for text in ElementTree.fromstring(svg).iterfind("{*}g/{*}g/{*}text")}
    assert [round(float(found["日本語"].get(name, "0")) / 12.2) for name in ("x", "textLength")] == [0, 6]
    assert round(float(found["abc"].get("x", "0")) / 12.2) == 6
