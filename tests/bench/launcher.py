"""The real dashboard with instruments: `python -m tests.bench.launcher`, in a terminal.

A heartbeat on its event loop measures how late the loop is; the figures are written to a file at the end. With
`--rate` the server is replaced by a player of this many events per second.
"""

import argparse
import asyncio
import gc
import json
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import echo_tui.tui.app
from echo_servers.catalog import find
from echo_servers.server import Options
from echo_tui.observers import child
from echo_tui.run.plan import Plan
from echo_tui.tui.app import EchoTui

BEAT = 0.01
CONNECTIONS = 50


class Timed(EchoTui):
    """The dashboard with a heartbeat."""

    CSS_PATH = str(Path(echo_tui.tui.app.__file__).with_name("app.tcss"))

    def __init__(self, plan: Plan, chatter: float) -> None:
        super().__init__(plan)
        self._chatter = chatter
        self.beats: list[tuple[float, float]] = []
        self.told: list[tuple[float, float, int]] = []
        self._tell_lag = self.live.lag
        self.live.lag = self._lag  # type: ignore[method-assign]

    def on_ready(self) -> None:
        """Start the heartbeat, and the clients' load, once the first screen is drawn."""
        self.run_worker(self._listen())
        if self._chatter:
            self.run_worker(self._start_chatter())

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + BEAT
            await asyncio.sleep(BEAT)
            self.beats.append((time.monotonic(), loop.time() - due))

    async def _start_chatter(self) -> None:
        while len(self.live.session.connections) < self.plan.clients:
            await asyncio.sleep(0.1)
        self.live.client_process.chatter([], self._chatter, 64)

    def _lag(self, late: int) -> None:
        self.told.append((time.monotonic(), late / 1e9, self.live.session.totals.lost))
        self._tell_lag(late)

    def figures(self) -> dict[str, Any]:
        """Return what was measured."""
        totals = self.live.session.totals
        return {
            "beats": self.beats,
            "told": self.told,
            "totals": {name: getattr(totals, name) for name in totals.__slots__},
        }


def main() -> None:
    """Run until the dashboard is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--pattern", default="asyncio")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, default=0)
    parser.add_argument("--chatter", type=float, default=0.0)
    parser.add_argument("--rate", type=int, default=0)
    arguments = parser.parse_args()

    def recorded(pattern: str, options: Options) -> list[str]:
        player = [sys.executable, "-m", "tests.bench.player", "--port", str(options.port)]
        return [*player, "--rate", str(arguments.rate), "--connections", str(CONNECTIONS)]

    with patch.object(child, "command", recorded if arguments.rate else child.command):
        plan = Plan(find(arguments.pattern), Options(port=arguments.port), clients=arguments.clients)
        dashboard = Timed(plan, arguments.chatter)
        dashboard.settled = gc.freeze
        try:
            code = dashboard.run()
        finally:
            dashboard.live.close()
    arguments.figures.write_text(json.dumps(dashboard.figures()))
    sys.exit(code or dashboard.return_code or 0)


if __name__ == "__main__":
    main()
