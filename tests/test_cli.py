"""The command line: what it prints, what it refuses, and what it does not import."""

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from echo_servers.catalog import PATTERNS, Pattern
from echo_tui.cli.main import main
from echo_tui.experiments.report import LEGEND

from tests.crossed import seldom

LIMIT = 20
NAMES = [pattern.name for pattern in PATTERNS]
EXTRAS = [pattern for pattern in PATTERNS if pattern.needs]
SCRIPT = Path(sys.executable).with_name("echo-tui")
COMMAND = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "echo_tui"]


def echo_tui(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, without a terminal."""
    return subprocess.run(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
    )


def said(run: subprocess.CompletedProcess[str]) -> str:
    """Return the output of a successful command."""
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


def refusal(run: subprocess.CompletedProcess[str]) -> str:
    """Return the single error line of a refused command."""
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("echo-tui: ")
    assert run.stderr.endswith("\n")
    assert run.stderr.count("\n") == 1
    return run.stderr.removeprefix("echo-tui: ").strip()


def test_help_names_the_commands_and_shows_examples() -> None:
    text = said(echo_tui("--help"))
    assert text == said(echo_tui("-h"))
    for word in ("Server:", "Dashboard:", "Commands:", "Examples:", "--host", "--block", "37564", "serve", "list"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 88
    assert "See 'echo-tui list'" in said(echo_tui("serve", "--help"))
    assert "from 0.2 to 10" in " ".join(said(echo_tui("matrix", "--help")).split())


COMMANDS = ["attach", "completion", "diff", "doctor", "export", "launch", "list", "matrix", "serve", "view", "watch"]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["list"], ["completion", "bash"]], ids=lambda a: a[0])
def test_commands_without_a_screen_do_not_import_it(arguments: list[str]) -> None:
    script = (
        "import sys; from echo_tui.cli.main import main\n"
        f"sys.argv = ['echo-tui', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'textual', 'rich', 'eventlet', 'psutil'}))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=LIMIT, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_version() -> None:
    assert said(echo_tui("--version")) == f"echo-tui {version('echo-tui')}\n"


def test_list_names_every_pattern_by_family() -> None:
    lines = said(echo_tui("list")).splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == NAMES
    assert [line for line in lines if not line.startswith(" ")] == ["BLOCKING", "NON-BLOCKING"]
    patterns = json.loads(said(echo_tui("list", "--json")))
    assert [pattern["name"] for pattern in patterns] == NAMES
    assert all(pattern["story"] and pattern["title"] and pattern["watch"] for pattern in patterns)


@pytest.mark.parametrize("extra", seldom(EXTRAS, EXTRAS[0]), ids=lambda pattern: pattern.name)
def test_missing_extra_is_listed_and_refused(extra: Pattern, tmp_path: Path) -> None:
    sentence = f'needs {extra.needs}: pip install "echo-tui[more]"'
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.modules[{extra.needs!r}] = None")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    (line,) = [line for line in said(echo_tui("list", PYTHONPATH=path)).splitlines() if sentence in line]
    assert line.split()[0] == extra.name
    missing = {p["name"]: p["missing"] for p in json.loads(said(echo_tui("list", "--json", PYTHONPATH=path)))}
    assert {name: why for name, why in missing.items() if why} == {extra.name: sentence}
    assert refusal(echo_tui("serve", extra.name, "--port", "0", PYTHONPATH=path)) == sentence


def test_installed_extras_are_found_without_importing_them() -> None:
    script = "import sys; from echo_servers import catalog\nassert not any(p.missing for p in catalog.PATTERNS)\n"
    script += "assert not {p.needs for p in catalog.PATTERNS} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], timeout=LIMIT, check=True)


def test_serve_prints_the_articles_lines_in_any_directory(tmp_path: Path) -> None:
    for name in ("app", "servers", "echo_tui", "echo_servers"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('the wrong one')")
    command = [*COMMAND, "serve", "process-pool", "--port", "0", "--workers", "1", "--block", "sleep:0.01"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout
        assert server.stderr
        try:
            address, _, rest = server.stderr.readline().removeprefix("serving ").partition(",")
            assert rest == " Ctrl-C ends it\n"
            host, _, port = address.rpartition(":")
            with socket.create_connection((host, int(port)), LIMIT) as client:
                peer = "{}:{}".format(*client.getsockname())
                client.sendall(b"hogehoge\n")
                assert client.recv(100) == b"hogehoge\n"
            lines = [server.stdout.readline() for _ in range(5)]
            assert lines == [
                f"New client: {peer}\n",
                f"Recv: b'hogehoge\\n' from {peer}\n",
                "Go to sleep...\n",
                f"Send: b'hogehoge\\n' to {peer}\n",
                f"Bye-Bye: {peer}\n",
            ]
            server.send_signal(signal.SIGINT)
            assert server.wait(LIMIT) in (-signal.SIGINT, 130)
            assert server.stderr.read() == ""
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)


def test_serve_stops_while_its_output_is_unread() -> None:
    command = [*COMMAND, "serve", "asyncio", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout
        assert server.stderr
        try:
            port = int(server.stderr.readline().partition(",")[0].rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), LIMIT) as client:
                client.settimeout(0.5)
                echoes, sent, silences = 0, 0, 0
                while silences < 4:  # several in a row, so that a short pause of the machine does not count
                    if sent == echoes:
                        client.sendall(b"hogehoge\n")
                        sent += 1
                        assert sent < 10_000, "the pipe never fills up"
                    try:
                        echoes += len(client.recv(9)) // 9
                        silences = 0
                    except TimeoutError:
                        silences += 1
                with socket.create_connection(("127.0.0.1", port), LIMIT) as other:
                    other.settimeout(0.5)
                    other.sendall(b"anybody?\n")
                    with pytest.raises(TimeoutError):
                        other.recv(9)
                    client.settimeout(LIMIT)
                    lines = [server.stdout.readline() for _ in range(2 * echoes + 3)]
                    assert client.recv(9) == b"hogehoge\n"
                    other.settimeout(LIMIT)
                    assert other.recv(9) == b"anybody?\n"
            assert [line.partition(":")[0] for line in lines] == ["New client", *["Recv", "Send"] * (echoes + 1)]
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def test_serve_shows_the_traceback_of_nonblocking() -> None:
    run = echo_tui("serve", "nonblocking", "--port", "0")
    assert run.returncode == 1
    lines = run.stderr.splitlines()
    assert lines[1].startswith("Traceback")
    assert "nonblocking.py" in lines[2]
    assert lines[-1].startswith("BlockingIOError")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("asincio", "unknown pattern 'asincio': did you mean 'asyncio'?"),
        ("serve treadpool", "unknown pattern 'treadpool': did you mean 'thread-pool'?"),
        ("xyz", "unknown pattern 'xyz': choose from single-thread, "),
        ("lst", "unknown pattern or command 'lst': did you mean 'list'?"),
        ("servee asyncio", "unknown pattern or command 'servee': did you mean 'serve'?"),
        ("complet", "unknown pattern or command 'complet': did you mean 'completion'?"),
        ("--port 99 list", "'list' comes first: echo-tui list ..."),
        ("serve lst", "unknown pattern 'lst': choose from single-thread, "),
        ("matrix --patterns foo", "unknown pattern 'foo': choose from single-thread, "),
        ("matrix --json --csv", "the following parameters are mutually exclusive: --json --markdown --csv"),
        ("serve", "Missing argument 'PATTERN'."),
        ("--port 65536", "port 65536 is out of range: choose 0 to 65535"),
        ("asyncio --port -1", "port -1 is out of range: choose 0 to 65535"),
        ("serve asyncio --port http", "port is a number, not 'http'"),
        ("process-loops --share evenly", "Invalid value for '--share': 'evenly' is not one of 'accept', 'reuseport', "),
        ("thread-pool --workers 0", "workers 0 is out of range: choose 1 to "),
        ("--clients many", "clients is a number, not 'many'"),
        ("too-many-threads --ceiling 0", "ceiling 0 is out of range"),
        ("--block nap:2", "unknown kind of block 'nap': choose from sleep, c-call, cpu, c-gil"),
        ("--block sleep:long", "'sleep:long' is not KIND:SECONDS, such as sleep:2"),
        ("--block sleep:0", "a block lasts 0.001 to 60 seconds, not 0"),
        ("--block nan", "a block lasts 0.001 to 60 seconds, not nan"),
        ("--frobnicate", "No such option '--frobnicate'."),
        ("asyncio eventlet", "Got unexpected extra argument (eventlet)"),
        ("completion tcsh", "Invalid value for "),
    ],
)
def test_invalid_arguments_are_refused_in_one_line(
    arguments: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["echo-tui", *arguments.split()])
    with pytest.raises(SystemExit) as end:
        main()
    run = subprocess.CompletedProcess(arguments, int(str(end.value)), *capsys.readouterr())
    assert refusal(run).startswith(sentence)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("serve asyncio --host nosuch.invalid --port 0", "host 'nosuch.invalid' does not resolve"),
        ("serve asyncio --host 192.0.2.1 --port 0", "192.0.2.1 is not an address of this machine"),
        ("", "the dashboard needs a terminal; 'echo-tui serve PATTERN' does without"),
        ("asyncio --clients 3", "the dashboard needs a terminal"),
    ],
)
def test_what_cannot_be_done_here_is_refused_in_one_line(arguments: str, sentence: str) -> None:
    assert refusal(echo_tui(*arguments.split())).startswith(sentence)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_legend_of_the_matrix_is_one_uncut_line() -> None:
    lines = echo_tui("matrix", "--patterns", "nonblocking", "--kinds", "sleep").stdout.splitlines()
    assert lines[1].split("  ")[0] == "nonblocking"
    assert lines[2:-1] == [LEGEND]
    assert lines[-1].startswith("Measured ")


def test_dashboard_names_the_stream_that_is_no_terminal() -> None:
    terminal, other = pty.openpty()
    try:
        said = subprocess.run(
            COMMAND, check=False, stdin=other, stdout=other, stderr=subprocess.PIPE, text=True, timeout=60
        )
    finally:
        os.close(terminal)
        os.close(other)
    assert said.returncode == 2
    assert said.stderr.startswith("echo-tui: the dashboard needs a terminal as its stderr; ")


@pytest.mark.parametrize(
    "arguments", ["list", "matrix --patterns nonblocking", "matrix --patterns nonblocking --json", "completion bash"]
)
def test_write_error_is_reported_in_one_line(arguments: str) -> None:
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [*COMMAND, *arguments.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (run.returncode, run.stderr) == (2, "echo-tui: stdout takes no more: No space left on device\n")


def test_port_in_use_names_its_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as owner:
        port = owner.getsockname()[1]
        line = refusal(echo_tui("serve", "multithread", "--port", str(port)))
        assert line.startswith(f"port {port} is in use by ")
        assert line.endswith(f", process {os.getpid()}: end that, or choose another with --port")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_for_every_shell(shell: str) -> None:
    assert "_ECHO_TUI_COMPLETE" in said(echo_tui("completion", shell))


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("echo-tui asy", [name for name in NAMES if name.startswith("asy")]),
        ("echo-tui serve sel", ["select-loop"]),
        ("echo-tui --port 99 eve", ["eventlet", "eventlet-tpool"]),
        ("echo-tui se", ["select-loop", "serve"]),
        ("echo-tui ", [*NAMES, *COMMANDS]),
        ("echo-tui asyncio --po", ["--port"]),
        ("echo-tui completion f", ["fish"]),
        ("echo-tui --theme echo-", ["echo-dark", "echo-projector"]),
        ("echo-tui --block cpu", ["cpu:2", "cpu:5", "cpu:20"]),
    ],
)
def test_completion_of_words(words: str, completed: list[str]) -> None:
    count = str(len(words.split(" ")) - 1)
    run = echo_tui(_ECHO_TUI_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=count)
    assert [line.partition(",")[2] for line in said(run).splitlines()] == completed


def test_broken_pipe_is_silent() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    run = subprocess.run([*COMMAND, "list"], stdout=write_end, stderr=subprocess.PIPE, timeout=LIMIT, check=False)
    os.close(write_end)
    assert run.stderr == b""
    assert run.returncode != 2
