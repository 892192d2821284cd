"""The on-screen help explains every cause and state."""

from echo_tui.diagnosis.stall import Cause
from echo_tui.words import glossary, stalls, states

from tests.tui.stage import dashboard

TERMS = " ".join(term for _, entries in glossary.words() for term, _ in entries)


def test_every_cause_and_state_is_explained() -> None:
    missing = [cause.name for cause in Cause if stalls.LABELS.get(cause, "no label") not in TERMS]
    missing += [word for word in states.CONNECTIONS.values() if word not in TERMS]
    assert not missing, "add them to words/glossary.py"


def test_entries_are_one_sentence_each() -> None:
    entries = [entry for _, those in glossary.words() for entry in those] + glossary.evidence()
    assert not [sentence for _, sentence in entries if not sentence.endswith(".") or ". " in sentence]


async def test_help_turns_its_pages() -> None:
    async with dashboard(size=(80, 24)) as stage:
        await stage.press("question_mark")
        await stage.shows("[Keys]", "Start the pattern under the cursor")
        await stage.press("right")
        await stage.shows("[Words on this screen]", "The connection is accepted")
        await stage.press("right")
        await stage.shows("[Where numbers come from]", "over a pipe")
        await stage.press("right")
        await stage.shows("[Keys]")
        await stage.press("left")
        await stage.shows("[Where numbers come from]")
