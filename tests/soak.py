"""Normal mixed traffic for a long time: every stall that is told must be one (`make soak`).

All patterns run side by side, the busy loop alone, each with as many clients as it serves. A stall is true if our
clients have felt it by their own clocks, which know nothing of the kernel's evidence; on a machine that others use too
there may be such ones. One that nobody has felt is a false alarm.
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
LOOK = 0.05
FELT = 0.8
"""The share of a stall that a victim must have waited by its own clock for the stall to be true."""
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
        self._felt: dict[int, Connection] = {}
        self._judged: set[int] = set()
        self.live.open_clients(max(self.most - 1, 1))

    def turn(self) -> None:
        """What the dashboard does twenty times a second, and now and then something new from the clients."""
        self.driver.turn()
        self._felt.update(self.live.session.connections)
        if self.chance.random() < LOOK / 3:
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
            if stall.end and time.monotonic_ns() - stall.end > 1e9:  # by then the clients have said what they felt
                self._tell(stall)

    def judge_all(self) -> None:
        """The end: what goes on is judged as it stands."""
        for stall in self.live.session.stalls.all:
            self._tell(stall)

    def _tell(self, stall: Stall) -> None:
        if stall.number not in self._judged:
            self._judged.add(stall.number)
            (self.true if self._was_felt(stall) else self.false).append(stall)

    def _was_felt(self, stall: Stall) -> bool:
        """Whether one of its victims has waited through it, by its own clock."""
        for number in stall.victims:
            for wait in self._felt[number].waits if number in self._felt else ():
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
            due = max(due + LOOK, time.monotonic() - LOOK)
            time.sleep(max(due - time.monotonic(), 0))
        for each in those:
            each.judge_all()
    finally:
        for each in those:
            each.live.close()
    return those


def main() -> int:
    """Run, and say what was told; 1 if a stall was told that nobody felt, or nothing was served."""
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
                f"{len(each.true):3} stalls that clients felt, {len(each.false):3} false"
            )
            for stall in each.false:
                print(f"    {stall.cause.value} {stall.lasted(0) / 1e6:.0f} ms, {len(stall.victims)} victims")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
