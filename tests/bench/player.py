"""A replacement for a server that reports events at a steady rate: `python -m tests.bench.player`.

It reports like a server, through the same pipe and in the same batches, and counts records that do not fit.
"""

import argparse
import os
import time

from echo_servers import leash
from echo_servers.counters import CounterRegion
from echo_servers.piped import PipedReport

TURN = 0.002
"""Seconds of events that are reported at once."""
MESSAGE = b"e" * 63 + b"\n"


def play(report: PipedReport, port: int, rate: int, connections: int) -> None:
    """Report `rate` events per second of this many connections, endlessly."""
    report.listening("127.0.0.1", port, 128)
    report.worker("recording")
    report.buffer()
    peers = [report.new(f"127.0.0.1:{40_000 + number}") for number in range(connections)]
    begun, told = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - begun) * rate)
        while told < due:
            conn = peers[(told // 2) % connections]
            report.recv(conn, MESSAGE)
            report.send(conn, MESSAGE)
            told += 2
        report.flush()
        time.sleep(TURN)


def main() -> None:
    """Read the command line of a server with two more options, and play."""
    parser = argparse.ArgumentParser(description=__doc__)
    for number in ("--rate", "--connections", "--port", "--events", "--page", "--leash"):
        parser.add_argument(number, type=int, required=True)
    for number in ("--counters", "--stacks"):
        parser.add_argument(number, type=int)
    arguments = parser.parse_args()
    leash.wear(arguments.leash, -os.getpgrp())
    counters = None if arguments.counters is None else CounterRegion(arguments.counters)
    play(PipedReport(arguments.events, counters), arguments.port, arguments.rate, arguments.connections)


if __name__ == "__main__":
    main()
