"""A recording as a report, page, table, picture and cast: their content, and that hostile text stays text."""

import contextlib
import csv
import io
import json
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

import pyte
import pytest
from echo_tui.cli.main import main

from tests.e2e.terminal import command
from tests.recording.made import SECOND, read

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def export(path: Path, *arguments: str, code: int = 0) -> str:
    """Run the command in this process, where its modules are loaded already; return stdout, or stderr if it fails."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with (
        mock.patch.object(sys, "argv", ["echo-tui", "export", str(path), *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        main()
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    assert end.value.code == code, texts[1]
    return texts[bool(code)]


def test_markdown_report_has_victims_length_cause_and_line(stalled: Path) -> None:
    report = export(stalled, "--markdown")
    assert report.startswith("# Stalls of `asyncio`\n")
    for words in ("## Stall 1: blocked, injected", "Who waited:", "block.py:", "time.sleep(seconds)", "Stack", "Clues"):
        assert words in report
    assert report == export(stalled, "--markdown", "--stall", "1")
    assert "No stall." in export(stalled, "--markdown", "--at", "0.1")


def test_invalid_request_is_refused_in_one_line(stalled: Path) -> None:
    assert export(stalled, "--markdown", "--stall", "7", code=2) == f"echo-tui: {stalled}: it has 1 stall\n"
    assert "s long" in export(stalled, "--markdown", "--at", "1000", code=2)
    assert "no such file" in export(stalled.parent / "nowhere", "--html", code=2)
    assert "--stall, --at or --span" in export(stalled, "--html", "--at", "1", "--stall", "1", code=2)
    assert "--size" in export(stalled, "--svg", "--size", "9x9", code=2)
    export(stalled, code=2)


def test_json_is_one_document(stalled: Path) -> None:
    found = json.loads(export(stalled, "--json"))
    (stall,), (server,) = found["stalls"], found["servers"]
    assert (stall["number"], stall["event"], stall["cause"], stall["injected"]) == (1, "closed", "blocked", True)
    assert stall["culprit"]["function"] == "sleep"
    assert (server["server"], server["summary"]["connections"], server["summary"]["stalls"]) == (
        "asyncio",
        3,
        {"blocked": 1},
    )
    assert found["header"]["schema"] == 1


@pytest.mark.parametrize(("table", "least"), [("stalls", 1), ("connections", 3), ("samples", 10)])
def test_tables_are_csv(stalled: Path, table: str, least: int) -> None:
    rows = list(csv.DictReader(io.StringIO(export(stalled, f"--csv={table}"))))
    assert len(rows) >= least
    assert all(None not in row for row in rows)
    if table == "stalls":
        assert export(stalled, "--csv") == export(stalled, "--csv=stalls")
        assert rows[0]["cause"] == "blocked"
        assert float(rows[0]["seconds"]) > 0.5


class Page(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_html_loads_nothing(stalled: Path) -> None:
    text = export(stalled, "--html")
    page = Page(text)
    assert {"script", "img", "link", "iframe"}.isdisjoint(page.tags)
    assert {"src", "href", "onclick"}.isdisjoint(page.attributes)
    assert "default-src 'none'" in text
    assert page.tags.count("details") == 1
    assert "<mark>" in text
    assert "time.sleep(seconds)" in text


@pytest.mark.parametrize("form", ["--html", "--markdown", "--csv", "--json"])
def test_hostile_text_stays_text(hostile: Path, form: str) -> None:
    text = export(hostile, form)
    assert "\x1b" not in text
    if form == "--html":
        page = Page(text)
        assert {"script", "img"}.isdisjoint(page.tags)
        assert page.tags.count("details") == 1
        assert "&lt;script&gt;" in text
    elif form == "--markdown":
        for line in text.splitlines():
            outside = line.split("`")[::2] if not line.startswith("    ") else []
            assert not any("<" in part.replace("\\<", "") for part in outside), line
    elif form == "--csv":
        (row,) = csv.DictReader(io.StringIO(text))
        assert row["cause"] == "blocked"
    else:
        assert json.loads(text)["stalls"]


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")
def test_browser_shows_the_page(hostile: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    export(hostile, "--html", "--output", str(path))
    line = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*line, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=100, check=False
    )
    page = Page(done.stdout)
    assert page.tags.count("details") == 1
    assert page.tags.count("summary") == 1
    assert {"script", "img"}.isdisjoint(page.tags)
    assert "rect" in page.tags


def test_svg_shows_the_stall(stalled: Path) -> None:
    text = export(stalled, "--svg", "--stall", "1", "--size", "120x35")
    ElementTree.fromstring(text)
    plain = text.replace("&#160;", " ")
    for words in ("REPLAY", "STALLED", "stall 1 of 1"):
        assert words in plain


def test_svg_of_a_span_is_animated(stalled: Path) -> None:
    replay = read(stalled)
    until = (replay.stalls[0].at - replay.begin) / SECOND + 0.3
    text = export(stalled, "--svg", "--span", f"{max(until - 1, 0):.1f}-{until:.1f}", "--size", "80x24")
    ElementTree.fromstring(text)
    for words in ("REPLAY", "STALLED", "@keyframes", "prefers-reduced-motion"):
        assert words in text
    assert "\n" not in export(stalled, "--svg", "--span", "0-900", code=2).strip()
    assert "is for --svg" in export(stalled, "--json", "--span", "0-1", code=2)
    assert "not several" in export(stalled, "--svg", "--span", "0-1", "--at", "1", code=2)


SHOWN = """<script>
const motions = document.getAnimations();
motions.forEach(motion => { motion.pause(); motion.currentTime = TIME; });
const groups = [...document.querySelectorAll('svg > g > g')];
const seen = groups.filter(group => getComputedStyle(group).visibility === 'visible');
document.body.innerHTML = `<pre>${motions.length} ${seen.map(group => group.textContent).join(' ')}</pre>`;
</script>"""


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")
def test_browser_plays_the_animation(stalled: Path, tmp_path: Path) -> None:
    replay, shown = read(stalled), []
    stalls_at = (replay.stalls[0].at - replay.begin) / SECOND + 0.3
    svg = export(stalled, "--svg", "--span", f"0-{stalls_at + 0.2:.1f}")
    for seconds in (0.1, stalls_at):
        page = tmp_path / "page.html"
        page.write_text(f"<meta charset=utf-8><body>{svg}{SHOWN.replace('TIME', str(seconds * 1000))}</body>")
        line = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--force-prefers-no-reduced-motion"]
        done = subprocess.run(
            [*line, "--dump-dom", f"file://{page}"], capture_output=True, text=True, timeout=120, check=True
        )
        shown.append(done.stdout.partition("<pre>")[2].replace("&nbsp;", " "))
    assert int(shown[0].split()[0]) > 5, "some rows move"
    assert "STALLED" not in shown[0]
    assert "STALLED" in shown[1]


def test_hostile_text_stays_text_in_a_picture(hostile: Path) -> None:
    for arguments in (["--stall", "1"], ["--span", "0-1.9"]):
        text = export(hostile, "--svg", *arguments)
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text).iter()}
        assert tags <= {"svg", "style", "rect", "g", "text", "defs", "clipPath", "circle"}
        assert "\x1b" not in text


def test_cast_shows_the_screen_and_marks_the_stall(stalled: Path) -> None:
    lines = [json.loads(line) for line in export(stalled, "--cast", "--speed", "0.5").splitlines()]
    header, *events = lines
    assert (header["version"], header["term"]) == (3, {"cols": 100, "rows": 30})
    assert all(interval >= 0 for interval, _, _ in events)
    (mark,) = [number for number, (_, code, _) in enumerate(events) if code == "m"]
    assert events[mark][2] == "stall 1"
    screen = pyte.Screen(100, 30)
    stream = pyte.Stream(screen)
    seen = []
    for _, code, data in events:
        if code == "o":
            stream.feed(data)
            seen.append("\n".join(screen.display))
    assert any("REPLAY" in text and "STALLED" in text for text in seen)
    assert "stall 1 of 1" in seen[-1]


def test_two_recordings_are_compared(stalled: Path, hostile: Path) -> None:
    line = [command(), "diff", str(stalled), str(hostile)]
    text = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "█" in text
    assert "longest wait (s)" in text
    assert "\x1b" not in text
    rows = json.loads(subprocess.run([*line, "--json"], capture_output=True, text=True, timeout=60, check=True).stdout)
    named = {row["name"]: row for row in rows}
    assert (named["connections"]["first"], named["connections"]["second"], named["connections"]["change"]) == (3, 1, -2)
    same = subprocess.run(
        [*line[:2], str(stalled), str(stalled), "--json"], capture_output=True, check=True, timeout=60
    )
    assert {row["change"] for row in json.loads(same.stdout)} <= {0, None}
