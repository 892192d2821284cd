"""A replay equals the run, from any position, in both directions, and for damaged files too."""

import gzip
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zstandard
from echo_servers.catalog import PATTERNS
from echo_servers.records import New, Recv, Send
from echo_servers.server import BadRequest
from echo_tui.model.observations import ENCODER, Observation, SessionBegan
from echo_tui.run import replay as replays
from echo_tui.run.header import SCHEMA, new_header
from echo_tui.run.recorded import Recorded, is_event, is_sample
from echo_tui.run.replay import Replay
from echo_tui.session import folding
from echo_tui.session.folding import fold
from echo_tui.session.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crossed import seldom
from tests.model.plain import plain
from tests.model.streams import anything, worlds
from tests.recording.made import SECOND, Run, few, read, write

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".jsonl": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


@pytest.fixture
def close_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make checkpoints after every few observations."""
    monkeypatch.setattr(replays, "APART", 5)


def folded(observations: list[Observation]) -> Session:
    session = Session()
    for one in observations:
        session = fold(session, one)
    return session


@pytest.mark.parametrize(
    "pattern",
    seldom([one.name for one in PATTERNS if one.serves and not one.missing], "asyncio", "multithread"),
)
def test_replay_equals_the_run(pattern: str, tmp_path: Path, close_together: None) -> None:
    run = Run(pattern)
    try:
        run.stall() if pattern == "asyncio" else run.until(lambda: run.live.listening)
        run.live.open_clients(2)
        run.until(lambda: run.live.session.totals.new)
        live = plain(run.live.session)
        heard = run.heard.copy()
    finally:
        run.live.close()
    replay = read(write(tmp_path / "run.jsonl", heard, heard[0].at))
    assert replay.total == len(heard)
    assert plain(replay.session_at(replay.total)) == live
    for position in range(0, len(heard), max(len(heard) // 7, 1)):
        assert plain(replay.session_at(position)) == plain(folded(heard[:position]))


def test_recording_has_the_line_and_source_of_a_stall(tmp_path: Path) -> None:
    run = Run("asyncio")
    try:
        run.stall()
    finally:
        run.live.close()
    replay = read(write(tmp_path / "run.jsonl", run.heard, run.heard[0].at))
    (mark,) = replay.stalls
    session = replay.session_at(mark.position)
    (stall,) = session.stalls.going.values()
    assert stall.culprit
    assert stall.culprit.where
    line = replay.texts[stall.culprit.where.file].splitlines()[stall.culprit.where.line - 1]
    assert "sleep" in line


def test_seek_to_any_time(tmp_path: Path, close_together: None) -> None:
    observations = few(20)
    recorded = Recorded(read(write(tmp_path / "run.jsonl", observations)))
    recorded.paused = True
    for seconds in (3, 21, 7, 0, 15, 14, 100):
        recorded.seek(SECOND + seconds * SECOND)
        there = [one for one in observations if one.at <= SECOND + seconds * SECOND]
        assert plain(recorded.session) == plain(folded(there))


def test_steps_to_events_and_samples_in_both_directions(tmp_path: Path) -> None:
    recorded = Recorded(read(write(tmp_path / "run.jsonl", few(2))))
    recorded.paused = True
    assert not recorded.step(is_sample, 1)
    counts = []
    while recorded.step(is_event, 1):
        counts.append((recorded.session.totals.new, recorded.session.totals.recv, recorded.session.totals.send))
    assert counts == [(1, 0, 0), (1, 1, 0), (1, 1, 1), (2, 1, 1), (2, 2, 1), (2, 2, 2), (2, 2, 2)]
    back = []
    while recorded.step(is_event, -1):
        back.append((recorded.session.totals.new, recorded.session.totals.recv, recorded.session.totals.send))
    assert back[:6] == counts[:-1][::-1]


@given(st.one_of(anything, worlds("lost").map(lambda world: world.said)), st.sampled_from(sorted(PACKERS)), st.data())
@settings(deadline=None, max_examples=30)
def test_truncated_file_replays_to_its_end(observations: list[Observation], kind: str, data: st.DataObject) -> None:
    header = ENCODER.encode(new_header("x", {}, 0)) + b"\n"
    whole = header + ENCODER.encode_lines(observations)
    cut = data.draw(st.integers(0, len(whole)))
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"run{kind}"
        path.write_bytes(PACKERS[kind](whole[:cut]))
        if cut < len(header):
            with pytest.raises(BadRequest):
                Replay(str(path))
            return
        replay = read(path)
        count = whole[len(header) : cut].count(b"\n")
        assert list(replay.observations(0)) == observations[:count]
        assert replay.damaged == (not whole[:cut].endswith(b"\n"))


@pytest.mark.parametrize("kind", [".gz", ".zst"])
def test_truncated_compressed_file_replays(kind: str, tmp_path: Path) -> None:
    observations = few(3000)
    whole = ENCODER.encode(new_header("x", {}, 0)) + b"\n" + ENCODER.encode_lines(observations)
    packed = PACKERS[kind](whole)
    path = tmp_path / f"run{kind}"
    path.write_bytes(packed[: len(packed) * 2 // 3])
    replay = read(path)
    assert replay.damaged
    assert 0 < replay.total < len(observations)
    assert list(replay.observations(0)) == observations[: replay.total]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no recording of echo-tui"),
        (b"hello\n", "no recording of echo-tui"),
        (b"\x1f\x8b\x08\x00hello", "no recording of echo-tui"),
        (b"\x28\xb5\x2f\xfdhello", "no recording of echo-tui"),
        (b"[" * 100_000, "no recording of echo-tui"),
        (b"\xff" * 1_000_000, "no recording of echo-tui"),
        (ENCODER.encode(new_header("x", {}, 0)).replace(b'"schema":1', b'"schema":99') + b"\n", "schema 99"),
    ],
    ids=["empty", "text", "no gzip", "no zstd", "nested", "no line", "another schema"],
)
def test_other_file_is_refused_in_one_line(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_bytes(content)
    with pytest.raises(BadRequest, match=words) as refusal:
        Replay(str(path))
    assert "\n" not in str(refusal.value)


def test_schema_is_that_of_the_header() -> None:
    assert new_header("x", {}, 0).schema == SCHEMA


def mutated(lines: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Yield the lines, some of them damaged."""
    for line in lines:
        match chance.randrange(8):
            case 0:
                place = chance.randrange(len(line))
                yield line[:place] + bytes([chance.randrange(256)]) + line[place + 1 :]
            case 1:
                yield line.replace(b"10", str(chance.randrange(-(2**63), 2**63)).encode(), 1)
            case 2:
                yield chance.choice(lines)
            case 3:
                yield line[: chance.randrange(len(line))] + b"\n"
            case _:
                yield line


@pytest.mark.parametrize("seed", range(20))
def test_damaged_file_is_harmless(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    lines = ENCODER.encode_lines(few(40)).splitlines(keepends=True)
    path = tmp_path / "run.jsonl"
    path.write_bytes(ENCODER.encode(new_header("x", {}, 0)) + b"\n" + b"".join(mutated(lines, chance)))
    recorded = Recorded(read(path))
    recorded.paused = True
    for _ in range(20):
        recorded.seek(chance.randrange(100 * SECOND))
        recorded.step(is_event, chance.choice((1, -1)))
    assert recorded.replay.total > 40


def test_number_of_open_connections_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MOST_OPEN", 50)
    observations = [New(2 * SECOND, 1, 1, number, f"10.0.0.1:{number}") for number in range(200)]
    replay = read(write(tmp_path / "run.jsonl", [*few(1), *observations]))
    session = replay.session_at(replay.total)
    assert len(session.connections) <= 50
    assert session.totals.garbled


def test_far_future_time_is_ignored(tmp_path: Path) -> None:
    observations = few(3)
    observations.insert(6, Recv(2**62, 10, 10, 1, 5, "hello"))
    replay = read(write(tmp_path / "run.jsonl", observations))
    assert replay.end == observations[-1].at
    assert replay.position_at(replay.end) == len(observations)


def test_several_sessions_in_one_file(tmp_path: Path) -> None:
    first, second = few(2), few(3, begin=20 * SECOND)
    replay = read(write(tmp_path / "run.jsonl", [*first, *second]))
    assert replay.session_at(len(first)).totals.new == 2
    assert replay.session_at(replay.total).totals.new == 3
    assert isinstance(next(replay.observations(len(first))), SessionBegan)


def test_observations_backwards(tmp_path: Path) -> None:
    observations = few(5)
    replay = read(write(tmp_path / "run.jsonl", observations))
    assert [one for _, one in replay.backwards(replay.total)] == observations[::-1]
    assert [number for number, one in replay.backwards(9) if isinstance(one, Recv | Send)] == [8, 6, 5]
