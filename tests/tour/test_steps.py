"""The steps of each pattern: their texts and keys, and that their keys complete them on a real server."""

from functools import partial

import pytest
from echo_servers.catalog import PATTERNS, Pattern, find
from echo_servers.server import Options
from echo_tui.tour.playlist import ARTICLE, Playlist, PlaylistScene
from echo_tui.tour.progress import StepProgress
from echo_tui.tour.steps import STEPS, Step, of
from echo_tui.tui.dialogs import Ask, Menu
from echo_tui.tui.keys import ALL_KEYS, MISBEHAVIOUR
from echo_tui.tui.panels.step import said
from echo_tui.words import steps as words

from tests.crossed import seldom
from tests.tui.stage import Stage, dashboard

KEYS = {key.id: key.key.split(",")[0] for key in (*ALL_KEYS, *MISBEHAVIOUR)}
PLAYED = ("single-thread", "thread-pool", "asyncio")


def test_every_step_has_texts_and_existing_keys() -> None:
    steps = {step.code: step for pattern in PATTERNS for step in of(pattern)}
    assert set(words.SENTENCES) == set(words.MEASURES) == set(steps)
    for step in steps.values():
        assert all(key in KEYS or key.endswith("⏎") for key in step.keys), step
        assert "{value}" in words.MEASURES[step.code] or words.measured(step.code, "1") == words.MEASURES[step.code]


def test_each_step_fits_the_smallest_screen() -> None:
    for step in {step.code: step for pattern in PATTERNS for step in of(pattern)}.values():
        keys = " ".join(key if key.endswith("⏎") else KEYS[key][:1] for key in step.keys)
        assert len(f"1/3 {words.sentence(step.code)}  {keys}") <= 78, step.code


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_pattern_has_one_to_four_steps(pattern: Pattern) -> None:
    assert 1 <= len(of(pattern)) <= 4
    assert len({step.code for step in of(pattern)}) == len(of(pattern))


def test_steps_belong_to_patterns() -> None:
    assert set(STEPS) <= {pattern.name for pattern in PATTERNS}


def test_playlist_follows_the_article_and_starts_again() -> None:
    playlist, here, seen = Playlist(), find("eventlet"), []
    for _ in ARTICLE:
        here = playlist.step(here, 1).pattern
        seen.append(here.name)
    assert tuple(seen) == ARTICLE
    assert playlist.step(find("single-thread"), -1).pattern is find("eventlet")


def test_configured_playlist_has_notes_and_starts_anywhere() -> None:
    playlist = Playlist.of([PlaylistScene(find("asyncio"), "ask first", "a.jsonl"), PlaylistScene(find("thread-pool"))])
    assert playlist.step(None, 1).pattern is find("asyncio")
    assert playlist.step(find("trio"), -1).pattern is find("thread-pool")
    assert playlist.step(find("asyncio"), 1).pattern is find("thread-pool")
    assert (playlist.note(find("asyncio")), playlist.note(find("thread-pool"))) == ("ask first", "")


async def press(stage: Stage, step: Step) -> None:
    """Press the keys of a step, and answer its questions."""
    for key in step.keys:
        if key.endswith("⏎"):
            await stage.until(lambda: isinstance(stage.app.screen, Ask), "a question")
            await stage.write(key[:-1])
            await stage.press("enter")
            await stage.until(lambda: not isinstance(stage.app.screen, Ask), "an answer that is accepted")
        else:
            await stage.press(KEYS[key])
            if key == "misbehave":
                await stage.until(lambda: isinstance(stage.app.screen, Menu), "the menu")


@pytest.mark.parametrize("name", seldom([pattern.name for pattern in PATTERNS], *PLAYED))
async def test_each_step_is_completed_by_its_keys(name: str) -> None:
    pattern = find(name)
    if pattern.missing:
        pytest.skip(pattern.missing)
    async with dashboard(name, size=(160, 45), options=Options(port=0)) as stage:
        await stage.until(lambda: stage.app.talk.steps, "its steps")
        for place, step in enumerate(of(pattern)):
            if step.keys:
                await stage.few_redraws()
                assert progress(stage).next is step, f"{step.code} is not done before its keys are pressed"
                await stage.shows(words.sentence(step.code))
                await press(stage, step)
            await stage.until(lambda place=place: len(progress(stage).done) > place, step.code)  # type: ignore[misc]
            shown = partial(is_shown, stage, place)
            await stage.until(shown, "what was measured")
        await stage.shows("All steps done")


def is_shown(stage: Stage, place: int) -> bool:
    """Return whether the measurement of a step is on the screen, or the next step is already complete."""
    done = progress(stage).done
    return len(done) > place + 1 or said(done[place])[:6] in stage.shown("step")


def progress(stage: Stage) -> StepProgress:
    assert stage.app.talk.steps
    return stage.app.talk.steps
