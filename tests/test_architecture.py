"""What ARCHITECTURE.md says of the files, against the files."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_module_of_the_matrix_is_named() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    said = text.partition("matrix/ ")[2].partition("session/ ")[0]
    modules = {file.name for file in (ROOT / "app" / "matrix").glob("*.py")} - {"__init__.py"}
    assert not [name for name in sorted(modules) if name not in said]
