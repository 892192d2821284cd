"""How fast a session folds observations, and whether its memory stays flat; each stream in its own process.

`python -m tests.bench.folding STREAM COUNT` is that process.
"""

import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
from echo_servers.records import Bye, Echo, New, preview
from echo_tui.__main__ import YOUNG
from echo_tui.model.observations import ENCODER, ClientConnected, ClientEcho, ClientSent, Observation
from echo_tui.observers.pipe import CHUNK, decode
from echo_tui.session.session import Session

from tests.bench.figures import Effort, Figure, Goal, Section

TITLE = "Folding, decoding included, on one core"
STREAMS = {
    "steady": "50 connections of others, echoes only",
    "clients": "50 clients of our own, both ends tell",
    "churn": "connections that open, echo once and close",
}
GOALS = {"steady": 700_000, "clients": 700_000, "churn": 400_000}
"""Observations per second of CPU."""
TRIES = 7
"""How often each stream is measured, whatever the rounds: a try takes a second."""
EARLY = 100_000
CONNECTIONS = 50
STEP = 20_000
"""Nanoseconds between two observations: 50,000 a second."""
HEAD = preview(b"e" * 63 + b"\n")


def observations(stream: str) -> Iterator[Observation]:
    """Yield the observations of a stream, endlessly."""
    at, number = time.monotonic_ns(), 0
    if stream == "clients":
        for conn in range(1, CONNECTIONS + 1):
            yield ClientConnected(at, conn, f"127.0.0.1:{50_000 + conn}")
    if stream != "churn":
        for conn in range(1, CONNECTIONS + 1):
            yield New(at, 1, 1, conn, f"127.0.0.1:{50_000 + conn}")
    while True:
        number += 1
        conn = number if stream == "churn" else number % CONNECTIONS + 1
        if stream == "churn":
            yield New(at := at + STEP, 1, 1, conn, f"127.0.0.1:{1024 + number % 60_000}")
        if stream == "clients":
            yield ClientSent(at := at + STEP, conn, 64, HEAD)
        yield Echo(at := at + 2 * STEP, 1, 1, conn, 64, HEAD, STEP)
        if stream == "clients":
            yield ClientEcho(at := at + STEP, conn, 64, HEAD, 3 * STEP, 0)
        if stream == "churn":
            yield Bye(at := at + STEP, 1, 1, conn)


def blocks(stream: str) -> Iterator[tuple[int, bytes]]:
    """Yield the stream as whole lines in blocks of the size of one pipe read, each with its number of lines."""
    lines: list[bytes] = []
    size = 0
    for observation in observations(stream):
        lines.append(ENCODER.encode(observation))
        size += len(lines[-1]) + 1
        if size > CHUNK:
            yield len(lines), b"\n".join(lines) + b"\n"
            lines, size = [], 0


def fold(stream: str, count: int) -> dict[str, float]:
    """Fold this many observations; return the rate, and the memory early and at the end."""
    gc.set_threshold(YOUNG)  # as in the program
    session, process = Session(), psutil.Process()
    folded, spent, early = 0, 0.0, 0
    for lines, block in blocks(stream):
        begun = time.thread_time()
        session.apply_all(decode(block))
        spent += time.thread_time() - begun
        folded += lines
        if folded >= EARLY and not early:
            gc.collect()
            early = process.memory_info().rss
        if folded >= count:
            break
    gc.collect()
    counted = session.totals.events - session.totals.send + session.totals.client_records  # an echo is two events
    if session.totals.garbled or counted != folded:
        sys.exit(f"{folded:,} observations went in, {counted:,} were counted")
    return {"rate": folded / spent, "early": early, "late": process.memory_info().rss}


def measure(effort: Effort) -> Section:
    """Measure every stream."""
    section = Section(TITLE)
    count = effort.count(500_000, 300_000)
    for stream, words in STREAMS.items():
        results: list[dict[str, float]] = []
        for _ in range(effort.count(TRIES, 2)):
            command = [sys.executable, "-m", "tests.bench.folding", stream, str(count)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                section.failures.append(f"{stream}: {done.stderr.strip().splitlines()[-1:]}")
                break
            results.append(json.loads(done.stdout))
        else:
            rates = [result["rate"] for result in results]
            section.add(Figure(stream, "/s of CPU", rates, Goal(GOALS[stream], least=True), words, raw=results))
            grown = [(result["late"] - result["early"]) / 2**20 for result in results]
            note = f"from 100,000 to {count:,} observations; {results[-1]['late'] / 2**20:.0f} MiB in the end"
            section.add(Figure(f"{stream}: memory grown", "MiB", grown, Goal(2.0), note, raw=results))
    return section


if __name__ == "__main__":
    print(json.dumps(fold(sys.argv[1], int(sys.argv[2]))))
