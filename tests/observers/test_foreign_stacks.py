"""The stacks of a foreign Python program."""

import subprocess
import sys

import pytest
from echo_tui.model.observations import StackSample
from echo_tui.observers.foreign_stacks import ForeignStacks, py_spy

from tests.observers.program import Program, starting
from tests.observers.watching import eventually

PROGRAM = """
import threading, time
def rests(): time.sleep(1000)
threading.Thread(target=rests, daemon=True).start()
print("ready", flush=True)
time.sleep(1000)
"""


def test_missing_reader_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    without = ForeignStacks()
    assert "py-spy is not installed" in without.missing
    assert not without.ask(1)
    assert without.read() is None
    without.close()


@pytest.mark.skipif(not py_spy(), reason="py-spy is not installed: it is an extra")
def test_stacks_of_a_program_without_a_handler() -> None:
    with starting(Program) as start:
        program = start(PROGRAM)
        looker, found = ForeignStacks(), list[StackSample]()

        def told() -> bool:
            looker.ask(program.pid)
            if sample := looker.read():
                found.append(sample)
            return bool(found and len(found[-1].stacks) == 2)

        eventually(told, "two stacks")
        assert found[-1].pid == program.pid
        stacks = {stack.tid: stack.frames[0].function for stack in found[-1].stacks}
        assert stacks.pop(program.pid) == "<module>"
        assert list(stacks.values()) == ["rests"]
        looker.close()
        assert program.process.poll() is None, "the program still runs"


@pytest.mark.skipif(not py_spy(), reason="py-spy is not installed: it is an extra")
def test_other_program_has_no_python_stacks() -> None:
    with subprocess.Popen(["sleep", "1000"]) as program:
        looker = ForeignStacks()
        assert looker.ask(program.pid)
        answers = []

        def over() -> bool:
            answers.append(looker.read())
            return not looker.busy

        eventually(over, "its end")
        assert not any(answers)
        looker.close()
        program.kill()
