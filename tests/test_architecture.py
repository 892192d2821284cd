"""The documentation, compared with the code: modules, parts of a session, codes, commands, links and sentences."""

import ast
import re
from pathlib import Path

import pytest
from echo_servers.catalog import PATTERNS
from echo_tui.cli.root import cli
from echo_tui.diagnosis.report import SYN_DROPPED
from echo_tui.diagnosis.rules import RULES
from echo_tui.diagnosis.stall import Attribution, Cause, WaitKind
from echo_tui.observers.stacks import HEADER
from echo_tui.session.session import Session
from echo_tui.tour.steps import of
from echo_tui.words import stalls, target

ROOT = Path(__file__).parents[1]


def test_every_module_of_the_matrix_is_documented() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    said = text.partition("experiments/ ")[2].partition("model/ ")[0]
    modules = {file.name for file in (ROOT / "app" / "echo_tui" / "experiments").glob("*.py")} - {"__init__.py"}
    assert not [name for name in sorted(modules) if name not in said]


def _defined_types(module: ast.Module) -> list[str]:
    """Return the names of a module's classes and of its aliases of types, which are written like class names."""
    assigned = [node.targets[0] for node in module.body if isinstance(node, ast.Assign)]
    assigned += [node.target for node in module.body if isinstance(node, ast.AnnAssign)]
    names = [node.id for node in assigned if isinstance(node, ast.Name)]
    aliases = [name for name in names if name[0].isupper() and not name.isupper()]
    return [node.name for node in module.body if isinstance(node, ast.ClassDef)] + aliases


def test_the_name_of_a_type_stands_for_one_type() -> None:
    """Records, the model's parts, and the processes and readers behind them have names of their own."""
    places: dict[str, list[str]] = {}
    for file in sorted(path for package in ("app", "servers") for path in (ROOT / package).rglob("*.py")):
        for name in _defined_types(ast.parse(file.read_text(encoding="utf-8"))):
            places.setdefault(name, []).append(file.name)
    assert places
    assert not {name: files for name, files in places.items() if len(files) > 1}


HANDLERS = ("server_records", "client_records", "samples")


@pytest.mark.parametrize("name", HANDLERS)
def test_handlers_change_parts_only_through_their_methods(name: str) -> None:
    """Handlers assign to local names only, so that each part of a session is changed only by itself."""
    tree = ast.parse((ROOT / "app" / "echo_tui" / "session" / f"{name}.py").read_text(encoding="utf-8"))
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)]
    assert assigned
    targets = [target for node in assigned for target in getattr(node, "targets", None) or [node.target]]  # type: ignore[union-attr]
    assert not [ast.unparse(target) for target in targets if not isinstance(target, ast.Name | ast.Tuple)]


def test_session_is_composed_of_distinct_parts() -> None:
    assert Session.__mro__ == (Session, object)
    kinds = [type(part) for part in vars(Session()).values() if type(part).__module__.startswith("echo_tui.")]
    assert len(set(kinds)) == len(kinds)


def test_codes_of_stalls_are_documented() -> None:
    said = set(re.findall(r"`([a-z-]+)`", (ROOT / "docs" / "watch.md").read_text(encoding="utf-8")))
    kinds = {wait.value for wait in WaitKind} | {SYN_DROPPED}
    rules = {rule.name for rule in RULES}
    known = {each.value for each in (*Cause, *Attribution)} | kinds | rules
    assert sorted(known - said) == [], "add them to docs/watch.md"


def test_every_cause_is_explained_and_has_advice() -> None:
    screen = (ROOT / "docs" / "screen.md").read_text(encoding="utf-8")
    causes = [cause for cause in Cause if cause is not Cause.UNCLEAR and cause in stalls.LABELS]
    assert not [cause for cause in causes if stalls.label(cause) not in screen], "add them to docs/screen.md"
    assert not [cause for cause in causes if not target.advice(cause)], "add them to ADVICE in words/target.py"


def test_every_pattern_has_steps() -> None:
    assert not [pattern.name for pattern in PATTERNS if not of(pattern)], "add them to STEPS in tour/steps.py"


def test_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^    echo-tui ([a-z]+) ", text, re.MULTILINE))
    assert named == {name for name, command in cli.commands.items() if not command.hidden}
    assert len(text.splitlines()) <= 150


def test_links_of_the_documentation_exist() -> None:
    for file in (ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").glob("*.md")):
        links = re.findall(r"\]\(([^)#:]+)\)", file.read_text(encoding="utf-8"))
        assert not [link for link in links if not (file.parent / link).exists()], file


SENTENCE = re.compile(r"[a-z]{2,} [a-z]{2,}")
CLASSES = ("dialog wide", "hint first", HEADER.pattern)
"""Literals with a space that are not shown: style-sheet classes and a regular expression."""


def _sentences(tree: ast.Module) -> list[str]:
    """Return a module's literals that look like sentences, without docstrings, exceptions and assertion messages."""
    unread = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise | ast.Assert):
            unread |= {id(inner) for inner in ast.walk(node)}
    literals = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in unread]
    found = [node.value for node in literals if isinstance(node.value, str) and "\n" not in node.value]
    return [text for text in found if SENTENCE.search(text) and text not in CLASSES]


@pytest.mark.parametrize("package", ["tui", "model", "diagnosis", "session", "observers", "run"])
def test_sentences_are_in_words(package: str) -> None:
    files = list((ROOT / "app" / "echo_tui" / package).rglob("*.py"))
    assert files
    found = {file.name: _sentences(ast.parse(file.read_text(encoding="utf-8"))) for file in files}
    assert not {name: texts for name, texts in found.items() if texts}


def test_sentence_of_a_panel_is_found() -> None:
    tree = ast.parse('"""Of a panel."""\nnotify(f"{name} has now ended")\nraise ValueError("not to be read")\n')
    assert _sentences(tree) == [" has now ended"]
