"""Mutated recordings: no content of a file may crash the program or reach a terminal as an escape sequence.

`python -m tests.fuzz_recordings --files N --seed S`; a failing file is kept, and its seed is printed.
"""

import argparse
import gzip
import random
import sys
import tempfile
import time
from pathlib import Path

import zstandard
from echo_servers.server import BadRequest
from echo_tui.model.observations import ENCODER, Observation
from echo_tui.reports.difference import lines as difference
from echo_tui.reports.findings import Findings
from echo_tui.reports.markdown import markdown
from echo_tui.reports.page import page
from echo_tui.reports.tables import connections, document, samples, stalls
from echo_tui.run.header import new_header
from echo_tui.run.recorded import Recorded, is_event, is_sample
from echo_tui.run.replay import Replay

from tests.recording.made import SECOND, Run, few

ESCAPES = [b"\\u001b[2J", b"\\u202e", b"</script><script>", b"\\u0000", b"NaN", b"1e999", b"-1", b"[" * 50, b'"' * 3]
PACKERS = (bytes, bytes, gzip.compress, zstandard.ZstdCompressor().compress)


def real() -> list[Observation]:
    """Return the observations of a real run with a stall."""
    run = Run("asyncio")
    try:
        run.stall()
    finally:
        run.live.close()
    return run.heard


def mutated(lines: list[bytes], chance: random.Random) -> bytes:
    """Return a recording with lines damaged, moved or duplicated, perhaps compressed, and perhaps cut off."""
    found = lines[:1]
    rest = chance.sample(lines[1:], k=min(len(lines) - 1, chance.randrange(5, 120)))
    if chance.random() < 0.7:
        rest.sort(key=lines.index)
    for line in rest:
        match chance.randrange(10):
            case 0:
                place = chance.randrange(len(line))
                line = line[:place] + bytes([chance.randrange(256)]) + line[place + 1 :]
            case 1:
                place = chance.randrange(len(line))
                line = line[:place] + chance.choice(ESCAPES) + line[place:]
            case 2:
                line = line.replace(b'"', b'"' + chance.choice(ESCAPES), 1)
            case 3:
                line = bytes(ord("0") + chance.randrange(10) if chr(c).isdigit() else c for c in line)
            case 4:
                line = line * 2
        found.append(line)
    data = chance.choice(PACKERS)(b"".join(found))
    return data[: chance.randrange(len(data))] if chance.random() < 0.2 else data


def tried(path: Path, chance: random.Random) -> None:
    """Read a file in every way; the only permitted exception is a BadRequest of one line."""
    try:
        replay = Replay(str(path))
    except BadRequest as refusal:
        if "\n" in str(refusal):
            raise AssertionError(f"of several lines: {refusal}") from None
        return
    while not replay.read_ahead(1.0):
        pass
    recorded = Recorded(replay)
    recorded.paused = True
    for _ in range(3):
        recorded.seek(replay.begin + chance.randrange(20 * SECOND))
        recorded.step(chance.choice((is_event, is_sample)), chance.choice((1, -1)))
        recorded.to_stall(chance.choice((1, -1)))
    findings = Findings(replay.begin)
    findings.add(replay.observations(0))
    chosen = findings.numbered()
    texts = [
        markdown(findings, chosen, []),
        page(findings, chosen, []),
        connections(findings),
        stalls(findings, chosen),
        samples(findings, replay.observations(0)),
        document(findings, chosen, replay.header),
        *difference(("a", "b"), findings, findings),
    ]
    for text in texts:
        assert not any(not char.isprintable() and char != "\n" for char in text), "a control character"
    assert "<script" not in texts[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    observations = [*few(10), *real()]
    header = ENCODER.encode(new_header("asyncio", {}, SECOND)) + b"\n"
    lines = [header, *ENCODER.encode_lines(observations).splitlines(keepends=True)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(asked.files):
            chance = random.Random(f"{asked.seed}/{number}")
            path = Path(folder) / "run"
            path.write_bytes(mutated(lines, chance))
            try:
                tried(path, chance)
            except Exception:
                kept = Path(f"fuzzed-{asked.seed}-{number}")
                kept.write_bytes(path.read_bytes())
                print(f"seed {asked.seed}, file {number}: kept as {kept}", file=sys.stderr)
                raise
    print(f"{asked.files:,} files in {time.monotonic() - began:.0f} s: no fault, no escape")
    return 0


if __name__ == "__main__":
    sys.exit(main())
