"""The dashboard attached to a foreign server: what it shows, what it offers, and that it only observes."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest
from echo_tui.observers.targets import find_target
from echo_tui.run.attached import Attached
from echo_tui.run.plan import Plan
from echo_tui.tui.app import EchoTui
from echo_tui.tui.dialogs import Confirm

from tests.attach.conftest import Start
from tests.attach.watching import Foreign, Peer
from tests.e2e.terminal import Terminal, command
from tests.tui.stage import Stage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a foreign server is seen by the kernel's evidence")


@contextlib.asynccontextmanager
async def attached(server: Foreign, size: tuple[int, int] = (160, 45)) -> AsyncIterator[Stage]:
    app = EchoTui(Plan(), live=Attached(find_target(f":{server.port}"), clients=True))
    async with app.run_test(size=size, notifications=True) as pilot:
        stage = Stage(app, pilot)
        await stage.until(lambda: stage.session.workers, "its worker")
        yield stage
    os.kill(server.pid, 0)  # the server still runs


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_stall_of_a_foreign_server_is_shown(start: Start, size: tuple[int, int]) -> None:
    server = start("app.py", "sleep")
    async with attached(server, size) as stage:
        first, other = Peer(server.port), Peer(server.port)
        first.talk()
        other.talk()
        await stage.until(lambda: stage.session.totals.new == 2, "both are seen")
        first.say(b"go\n")
        time.sleep(0.1)
        other.say(b"hello\n")
        await stage.shows("STALLED", "waits ", "app.py:", "time.sleep(SECONDS)")
        assert "app.py" in stage.shown("header")
        await stage.until(lambda: not stage.session.stalls.going, "its end")
        other.hear()
        first.close()
        other.close()


async def test_only_actions_of_an_observer_are_offered(start: Start) -> None:
    server = start("app.py", "sleep")
    async with attached(server) as stage:
        offered = set(stage.footer())
        assert {"client", "freeze", "help", "quit"} <= offered
        assert offered.isdisjoint({"start", "stop", "block on", "show me", "+ block", "misbehave", "matrix"})
        await stage.press("z")
        await stage.shows("During a stall: the line to blame, in its file.")
        await stage.press("z")
        before = stage.session
        await stage.press("space", "b", "x", "g", "R", "full_stop", "w", "s")
        await stage.few_redraws()
        assert stage.session is before
        assert len(stage.app.screen_stack) == 1
        assert str(server.pid) in stage.shown("patterns")
        assert f"127.0.0.1:{server.port}" in stage.shown("patterns")


async def test_opening_clients_is_confirmed_once(start: Start) -> None:
    server = start("app.py", "sleep")
    async with attached(server) as stage:
        await stage.press("n")
        await stage.until(lambda: isinstance(stage.app.screen, Confirm), "the question")
        await stage.press("n")
        assert not stage.session.clients
        await stage.press("n")
        await stage.until(lambda: isinstance(stage.app.screen, Confirm), "the question again")
        await stage.press("y")
        await stage.connected(1)
        await stage.press("n")
        await stage.connected(2)
        await stage.press("a")
        await stage.say("hello")
        await stage.until(lambda: all(client.echoed for client in stage.session.clients.values()), "their echoes")
        await stage.press("right")
        await stage.shows("1 received")


async def test_restarted_server_is_watched_again(start: Start) -> None:
    server = start("app.py", "sleep")
    app = EchoTui(Plan(), live=Attached(find_target(f":{server.port}"), clients=True))
    async with app.run_test(size=(100, 30)) as pilot:
        stage = Stage(app, pilot)
        await stage.until(lambda: stage.session.workers, "its worker")
        os.kill(server.pid, 9)
        await stage.shows("ended", "watched again once somebody listens")
        again = start("app.py", "sleep", port=server.port)
        await stage.until(lambda: stage.session.server and stage.session.server.pid == again.pid, "the new process")
        await stage.shows(str(again.pid))


def test_attach_without_a_target_lists_the_servers(start: Start) -> None:
    server = start("app.py", "sleep")
    listed = subprocess.run([command(), "attach"], capture_output=True, text=True, timeout=60)
    assert listed.returncode == 0
    (line,) = [each for each in listed.stdout.splitlines() if f":{server.port} " in each]
    assert str(server.pid) in line
    assert "app.py" in line


def test_attach_in_a_terminal_leaves_the_server_running(start: Start) -> None:
    server = start("app.py", "sleep")
    with Terminal([command(), "attach", f":{server.port}"], width=80, height=24) as terminal:
        terminal.shows("1 worker")
        terminal.press("q")
        terminal.until(terminal.ended, "its end")
        assert terminal.code == 0
    peer = Peer(server.port)
    peer.talk()
    peer.close()
