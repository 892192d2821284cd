"""A fixture for all tests of the screen."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def places_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a temporary folder for settings and state, so that the user's own are neither read nor changed."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    monkeypatch.setenv("ECHO_TUI_CONFIG", str(folder / "config.toml"))
    for name in ("NO_COLOR", "TEXTUAL_SCREENSHOT", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)
    return folder
