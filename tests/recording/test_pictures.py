"""The pictures of README and docs are drawn from recordings in the repository, and are reproducible."""

import gzip
import re
from pathlib import Path

import pytest

from tests.crossed import seldom
from tests.screenshots.__main__ import PICTURES, Picture, draw, welcome
from tests.screenshots.runs import RECORDINGS

WORDS = {
    "dashboard": ("STALLED", "blocks", "not accepted"),
    "stall": ("STALLED", "time.sleep", "@keyframes"),
    "single-thread": ("not accepted",),
    "projector": ("STALLED",),
    "stage": ("STALLED", "time.sleep"),
    "attach": ("STALLED", "wait_for_export"),
}


@pytest.mark.parametrize("picture", seldom(PICTURES, *PICTURES[2:4]), ids=lambda picture: picture.name)
async def test_picture_is_reproducible(picture: Picture) -> None:
    first, second = await draw(picture), await draw(picture)
    assert first == second
    shown = re.sub(r"<[^>]+>", " ", first.replace("&#160;", " "))
    for words in WORDS[picture.name]:
        assert words in (first if words.startswith("@") else shown)
    assert "REPLAY" not in shown


async def test_welcome_picture_is_reproducible() -> None:
    assert await welcome() == await welcome()


def test_documents_use_exactly_the_drawn_pictures() -> None:
    documents = [Path("README.md"), *Path("docs").glob("*.md")]
    used = {name for path in documents for name in re.findall(r"screenshots/([\w-]+)\.svg", path.read_text())}
    assert used == {picture.name for picture in PICTURES} | {"welcome", "matrix"}


def test_recordings_are_small_and_contain_no_local_paths() -> None:
    for path in RECORDINGS.glob("*.gz"):
        data = path.read_bytes()
        assert len(data) < 100_000
        assert not re.search(rb'"(/root|/work|/tmp|/Users|/home/(?!you/))', gzip.decompress(data)), path
