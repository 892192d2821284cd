"""Every code that is shown has a text."""

import pytest
from echo_tui import words
from echo_tui.diagnosis.rules import RULES
from echo_tui.diagnosis.stall import Attribution, Cause, WaitKind
from echo_tui.model.remembered import State
from echo_tui.model.threads import Doing
from echo_tui.words import stalls, states, threads


def test_every_code_has_a_text() -> None:
    assert set(stalls.LABELS) == set(stalls.SENTENCES) == set(Cause)
    assert set(stalls.ATTRIBUTIONS) == set(Attribution)
    assert set(stalls.WAITS) == set(WaitKind)
    assert set(states.CONNECTIONS) == set(State)
    assert set(threads.DOING) == set(Doing)
    assert set(stalls.CLUES) == {rule.name for rule in RULES}


def test_shorter_labels_are_shorter() -> None:
    for cause in Cause:
        assert len(stalls.shortest(cause)) <= len(stalls.short(cause)) <= len(stalls.label(cause))


def test_catalogue_can_replace_every_text(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shouting:
        def gettext(self, message: str) -> str:
            return message.upper()

    monkeypatch.setattr(words, "_CATALOGUE", Shouting())
    assert stalls.label(Cause.BLOCKED) == "BLOCKED"
    assert stalls.sentence(Cause.UNCLEAR) == "THE EVIDENCE DOES NOT SAY WHY."
