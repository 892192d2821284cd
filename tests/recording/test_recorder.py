"""What is recorded, what is left out, and what happens to the file if something goes wrong."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from echo_servers.records import Bye, Echo, New, Recv, Send, Serve
from echo_servers.server import BadRequest
from echo_tui.model.carried import Carried
from echo_tui.model.evidence import Thread
from echo_tui.model.observations import (
    ClientConnected,
    ClientOpening,
    Observation,
    Output,
    SourceText,
    StallAfter,
    ThreadSample,
)
from echo_tui.run.header import new_header
from echo_tui.run.privacy import Privacy
from echo_tui.run.recorder import Recorder, Recording
from echo_tui.run.replay import Replay
from echo_tui.run.ring import Ring

from tests.e2e.terminal import command
from tests.recording.made import LIMIT, SECOND, few, read

HEADER = new_header("asyncio", {"port": 0}, SECOND)


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz", "run.jsonl.zst"])
def test_everything_is_recorded_from_the_start(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    recorder = Recorder(HEADER, path=str(path))
    observations = few(50)
    for one in observations:
        recorder.hear([one])
    recorder.close()
    replay = read(path)
    assert list(replay.observations(0)) == observations
    assert (replay.header.target, replay.header.at, replay.damaged) == ("asyncio", SECOND, False)
    assert path.stat().st_mode & 0o077 == 0, "only the owner may read it"


def test_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("mine")
    with pytest.raises(BadRequest, match="exists already"):
        Recorder(HEADER, path=str(path))
    assert path.read_text() == "mine"


def test_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="No such file"):
        Recorder(HEADER, path=str(tmp_path / "nowhere" / "run.jsonl"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_disk_is_reported_and_harmless() -> None:
    recorder = Recorder(HEADER, ring=Ring())
    recorder._sink = open("/dev/full", "wb", buffering=0)  # noqa: SIM115
    recorder.hear(few(1))
    assert "space" in recorder.failure
    recorder.hear(few(1))
    recorder.close()


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz", "run.jsonl.zst"])
def test_killed_run_leaves_its_recording(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    line = [command(), "watch", "asyncio", "--port", "0", "--clients", "2", "--load", "20", "--record", str(path)]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + LIMIT
        while not (path.exists() and _echoes(path)):
            assert time.monotonic() < end
            time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
    assert _echoes(path)


def _echoes(path: Path) -> int:
    """Return the number of echoes in an unfinished recording."""
    try:
        replay = read(path)
    except BadRequest:  # not even the header is complete
        return 0
    return sum(isinstance(one, Echo | Send) for one in replay.observations(0))


def test_ring_drops_the_oldest_and_keeps_open_state(tmp_path: Path) -> None:
    ring = Ring(limit=3000, chunk=2000)
    recorder = Recorder(HEADER, ring=ring)
    observations = few(3)
    for number in range(5000):
        at = 10 * SECOND + number * 1_000_000
        observations += [Recv(at, 10, 10, 2, 5, "hello"), Send(at, 10, 10, 2, 5, "hello")]
    for one in observations:
        recorder.hear([one])
    path = tmp_path / "run.jsonl"
    assert recorder.save(str(path)) == path.stat().st_size
    replay = read(path)
    assert 0 < ring.dropped == len(observations) - replay.total == replay.header.dropped
    first, last = replay.session_at(replay.position_at(replay.begin)), replay.session_at(replay.total)
    for session in (first, last):
        assert [connection.peer for connection in session.connections.values()] == ["127.0.0.1:6002", "127.0.0.1:6003"]
        assert session.server
        assert (session.server.pattern, session.server.listening_at, len(session.workers)) == ("asyncio", SECOND, 1)
    assert replay.begin == ring.begin > 10 * SECOND


def test_carried_observations_describe_open_state() -> None:
    carried = Carried()
    thread = Thread(1, 1, "main", "accept", "", False, 0, 0, None, None)
    found: list[Observation] = [
        *few(2),
        StallAfter(5, 1000),
        StallAfter(6, 2000),
        Serve(7, 10, 11, 2),
        Serve(8, 10, 12, 2),
        ClientOpening(9, 1),
        ClientConnected(10, 1, "127.0.0.1:6002"),
        ThreadSample(11, [thread, Thread(1, 2, "x", "recv", "", False, 0, 0, None, None)], [], 2, 5),
        ThreadSample(12, [], [(1, 2)], 1, 5),
    ]
    carried.drop(found)
    kept = carried.observations()
    assert [one for one in kept if isinstance(one, New)] == [one for one in found if isinstance(one, New)][1:]
    assert [one for one in kept if isinstance(one, StallAfter)] == [StallAfter(6, 2000)]
    assert [one for one in kept if isinstance(one, Serve)] == [Serve(8, 10, 12, 2)]
    assert [one for one in kept if isinstance(one, ThreadSample)] == [ThreadSample(12, [thread], [], 1, 5)]
    assert not any(isinstance(one, Bye | Recv | Send) for one in kept)
    assert carried.dropped == len(found) - len(kept)


def test_payloads_sources_and_addresses_can_be_omitted(tmp_path: Path) -> None:
    privacy = Privacy(payload=False, source=False, anonymise=True)
    path = tmp_path / "run.jsonl"
    recorder = Recording(str(path), privacy).recorder(new_header("server at 192.168.7.9", {}, SECOND))
    found: list[Observation] = [
        Recv(1, 2, 3, 4, 5, "secret"),
        SourceText(1, "/x/app.py", "secret"),
        Output(1, "stdout", "secret"),
        New(1, 2, 3, 4, "192.168.7.9:6001"),
        New(1, 2, 3, 5, "[fe80::1%eth0]:6002"),
        New(1, 2, 3, 6, "192.168.7.9:6003"),
    ]
    recorder.hear(found)
    recorder.close()
    text = path.read_text()
    assert "secret" not in text
    assert "192.168" not in text
    assert "fe80" not in text
    peers = [one.peer for one in read(path).observations(0) if isinstance(one, New)]
    assert [peer.rpartition(":")[0] for peer in peers] == ["198.18.0.1", "198.18.0.2", "198.18.0.1"]


def test_matrix_can_be_recorded(tmp_path: Path) -> None:
    path = tmp_path / "matrix.jsonl"
    line = [command(), "matrix", "--patterns", "asyncio,multithread", "--kinds", "sleep", "--seconds", "0.3"]
    subprocess.run([*line, "--record", str(path)], check=True, capture_output=True, timeout=60)
    replay: Replay = read(path)
    assert replay.header.target == "matrix"
    began = [place for place, one in enumerate(replay.observations(0)) if type(one).__name__ == "SessionBegan"]
    assert len(began) == 2
    first, second = replay.session_at(began[1]).server, replay.session_at(replay.total).server
    assert first
    assert second
    assert (first.pattern, second.pattern) == ("asyncio", "multithread")


@pytest.mark.skipif(sys.platform != "linux", reason="it needs the kernel's evidence")
def test_json_of_watch_is_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "watch.jsonl"
    line = [command(), "watch", "asyncio", "--port", "0", "--clients", "2", "--for", "1s", "--json"]
    path.write_bytes(subprocess.run(line, check=True, capture_output=True, timeout=60).stdout)
    replay = read(path)
    assert not replay.damaged
    session = replay.session_at(replay.total)
    assert session.totals.new == 2
    assert not session.totals.garbled
