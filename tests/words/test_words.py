"""Every code that is shown has a text."""

from collections.abc import Iterable, Mapping

import pytest
from echo_tui import words
from echo_tui.diagnosis.rules import RULES
from echo_tui.diagnosis.stall import Attribution, Cause, WaitKind
from echo_tui.model.remembered import State
from echo_tui.model.threads import Doing
from echo_tui.words import stalls, states, threads


@pytest.mark.parametrize(
    ("table", "texts", "codes"),
    [
        ("LABELS in words/stalls.py", stalls.LABELS, Cause),
        ("SENTENCES in words/stalls.py", stalls.SENTENCES, Cause),
        ("ATTRIBUTIONS in words/stalls.py", stalls.ATTRIBUTIONS, Attribution),
        ("WAITS in words/stalls.py", stalls.WAITS, WaitKind),
        ("CLUES in words/stalls.py", stalls.CLUES, [rule.name for rule in RULES]),
        ("CONNECTIONS in words/states.py", states.CONNECTIONS, State),
        ("DOING in words/threads.py", threads.DOING, Doing),
    ],
)
def test_every_code_has_a_text(table: str, texts: Mapping[object, object], codes: Iterable[object]) -> None:
    assert [code for code in codes if code not in texts] == [], f"add them to {table}"
    assert set(texts) == set(codes), f"remove from {table} what is no code"


def test_shorter_labels_are_shorter() -> None:
    labelled = [cause for cause in Cause if cause in stalls.LABELS]
    for cause in labelled:
        assert len(stalls.shortest(cause)) <= len(stalls.short(cause)) <= len(stalls.label(cause))
    too_long = [cause for cause in labelled if len(stalls.short(cause)) > 15 or len(stalls.shortest(cause)) > 8]
    assert not too_long, "add them to SHORT (15 characters) or SHORTEST (8) in words/stalls.py"


def test_catalogue_can_replace_every_text(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shouting:
        def gettext(self, message: str) -> str:
            return message.upper()

    monkeypatch.setattr(words, "_CATALOGUE", Shouting())
    assert stalls.label(Cause.BLOCKED) == "BLOCKED"
    assert stalls.sentence(Cause.UNCLEAR) == "THE EVIDENCE DOES NOT SAY WHY."
