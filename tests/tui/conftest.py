"""What the tests of the screen share."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def places_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No setting of whoever runs the tests is read, and nothing is left among their files."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    monkeypatch.setenv("ECHO_TUI_CONFIG", str(folder / "config.toml"))
    for name in ("NO_COLOR", "TEXTUAL_SCREENSHOT", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)
    return folder
