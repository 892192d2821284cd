"""The recording that several files of tests read."""

from pathlib import Path

import pytest

from tests.recording.made import Run, write


@pytest.fixture(scope="module")
def stalled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of a run with one stall."""
    run = Run("asyncio")
    try:
        run.stall()
    finally:
        run.live.close()
    return write(tmp_path_factory.mktemp("recording") / "stall.jsonl", run.heard, run.heard[0].at)
