"""A server throttled by the CPU limit of its control group."""

import contextlib
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from echo_tui.observers.cgroup import of_stat

from tests.attach.conftest import Start, Watch
from tests.attach.watching import Peer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has control groups")
ROOT = Path("/sys/fs/cgroup")
LIMIT, PERIOD = 2000, 100_000
"""CPU quota of 2 ms per period of 100 ms (µs)."""


@pytest.fixture
def group() -> Iterator[Path]:
    """Yield the directory of a control group with a CPU limit."""
    v1 = (ROOT / "cpu").exists()
    folder = (ROOT / "cpu" if v1 else ROOT) / f"echo-tui-test-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir()
        if v1:
            (folder / "cpu.cfs_quota_us").write_text(str(LIMIT))
        else:
            (folder / "cpu.max").write_text(f"{LIMIT} {PERIOD}")
    except OSError as error:
        with contextlib.suppress(OSError):
            folder.rmdir()
        pytest.skip(f"control groups can't be made here: {error}")
    yield folder
    with contextlib.suppress(OSError):  # the kernel may still count the processes that have ended
        folder.rmdir()


def test_throttled_server_is_a_stall(group: Path, start: Start, watch: Watch) -> None:
    server = start("app.py", "compute")
    first, other = Peer(server.port), Peer(server.port)
    first.talk()
    other.talk()
    watched = watch(f":{server.port}", "--stall-after", "200")
    watched.until(lambda line: line["type"] == "worker")
    (group / "cgroup.procs").write_text(str(server.pid))
    try:
        first.say(b"go\n")
        other.say(b"hello\n")
        watched.until(lambda line: line["type"] == "stall" and line["cause"] == "throttled")
    finally:
        (group.parent / "cgroup.procs").write_text(str(server.pid))
    first.hear()
    other.hear()


def test_throttled_time_is_parsed_for_both_cgroup_versions() -> None:
    v2 = "usage_usec 10\nnr_periods 5\nnr_throttled 3\nthrottled_usec 250\n"
    v1 = "nr_periods 5\nnr_throttled 3\nthrottled_time 250000\n"
    assert of_stat(v2) == of_stat(v1) == 250_000
    assert of_stat("usage_usec 10\n") is None
    assert of_stat("") is None
