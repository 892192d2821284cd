"""Mixed traffic for a long time: every reported stall must be real (`make soak`).

All patterns run side by side, except the busy loop, which runs alone; each has as many clients as it serves. A stall
is real if a victim waited by its own clock, which is independent of the kernel's evidence; on a shared machine there
may be real ones. A stall without such a victim is a false alarm.
"""

import argparse
import random
import sys
import time

from echo_servers.catalog import PATTERNS, find
from echo_servers.server import Options
from echo_tui.diagnosis.stall import Stall
from echo_tui.model.connection import Connection
from echo_tui.run.driver import Driver
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan

MINUTES = 10.0
INTERVAL = 0.05
FELT = 0.8
"""The share of a stall that a victim must have waited, by its own clock, for the stall to be real."""
CLIENTS = {"single-thread": 1, "busy-loop": 1, "process-pool": 2, "thread-pool": 9}
MANY = 12
SIZES = (1, 64, 64, 64, 900, 5_000)
LOADS = (0.0, 1.0, 5.0, 20.0)


class Soaked:
    """One pattern under traffic, and its stalls so far."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.live = Live(Plan(options=Options(port=0, workers=2 if name == "process-pool" else None)))
        self.driver = Driver(self.live)
        self.live.start(find(name))
        self.live.arm(None)
        self.most = CLIENTS.get(name, MANY)
        self.chance = random.Random(seed)
        self.true: list[Stall] = []
        self.false: list[Stall] = []
        self._known: dict[int, Connection] = {}
        self._judged: set[int] = set()
        self.live.open_clients(max(self.most - 1, 1))

    def turn(self) -> None:
        """Do what the dashboard does 20 times a second, and sometimes change the clients' traffic."""
        self.driver.turn()
        self._known.update(self.live.session.connections)
        if self.chance.random() < INTERVAL / 3:
            self._stir()
        self._judge()

    def _stir(self) -> None:
        clients = [n for n, c in self.live.session.clients.items() if not c.ended]
        what = self.chance.choice(("load", "load", "load", "burst", "open", "close", "reset"))
        if what == "load":
            for number in clients:
                self.live.load([number], self.chance.choice(LOADS), self.chance.choice(SIZES))
        elif what == "burst" and clients:
            self.live.client_process.burst([self.chance.choice(clients)], 50, 64)
        elif what == "open" and len(clients) < self.most:
            self.live.load(self.live.open_clients(1), self.chance.choice(LOADS), 64)
        elif what in ("close", "reset") and len(clients) > 1:
            self.live.close_clients([self.chance.choice(clients)], what == "reset")

    def _judge(self) -> None:
        for stall in self.live.session.stalls.all:
            if stall.end and time.monotonic_ns() - stall.end > 1e9:  # by then the clients have reported their waits
                self._tell(stall)

    def judge_all(self) -> None:
        """Judge the remaining stalls as they are at the end."""
        for stall in self.live.session.stalls.all:
            self._tell(stall)

    def _tell(self, stall: Stall) -> None:
        if stall.number not in self._judged:
            self._judged.add(stall.number)
            (self.true if self._is_true(stall) else self.false).append(stall)

    def _is_true(self, stall: Stall) -> bool:
        """Return whether a victim waited through the stall, by its own clock."""
        for number in stall.victims:
            for wait in self._known[number].waits if number in self._known else ():
                end = stall.end or time.monotonic_ns()
                if min(wait.end, end) - max(wait.begin, stall.begin) >= FELT * (end - stall.begin):
                    return True
        return False


def soak(names: list[str], minutes: float, seed: int) -> list[Soaked]:
    """Run these patterns side by side."""
    those = [Soaked(name, seed) for name in names]
    end = time.monotonic() + minutes * 60
    due = time.monotonic()
    try:
        while time.monotonic() < end:
            for each in those:
                each.turn()
            due = max(due + INTERVAL, time.monotonic() - INTERVAL)
            time.sleep(max(due - time.monotonic(), 0))
        for each in those:
            each.judge_all()
    finally:
        for each in those:
            each.live.close()
    return those


def main() -> int:
    """Run, and print the stalls; return 1 after a false alarm, or if a pattern served nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for each pattern (10)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patterns", nargs="+", help="all that serve")
    arguments = parser.parse_args()
    names = arguments.patterns or [pattern.name for pattern in PATTERNS if pattern.serves]
    alone = [name for name in names if name == "busy-loop"]
    wrong = 0
    for those in ([name for name in names if name not in alone], alone):
        for each in soak(those, arguments.minutes, arguments.seed) if those else []:
            totals = each.live.session.totals
            wrong += len(each.false) + (totals.echoes == 0)
            print(
                f"{each.name:20} {totals.echoes:9,} echoes, {totals.new:5,} connections, "
                f"{len(each.true):3} stalls that affected clients, {len(each.false):3} false"
            )
            for stall in each.false:
                print(f"    {stall.cause.value} {stall.lasted(0) / 1e6:.0f} ms, {len(stall.victims)} victims")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
