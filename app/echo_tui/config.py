"""The small configuration file (TOML): a theme, when a wait is a stall, the scenes of a talk, and other keys."""

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from echo_servers.catalog import find
from echo_servers.server import BadRequest

from echo_tui.tour.playlist import PlaylistScene

SIZE_LIMIT, NAMES_LIMIT = 64 * 1024, 1000
"""Bytes and dots that a configuration may have; tomllib takes quadratic time for dotted keys (8 s for 50,000)."""
LEAST, MOST = 50, 60_000
"""Milliseconds that may be set for a stall: two samples at least."""


@dataclass(frozen=True)
class Config:
    """What a user has set."""

    theme: str | None = None
    keys: dict[str, str] = field(default_factory=dict)
    stall_after: int | None = None
    """From how many milliseconds on a wait is a stall."""
    scenes: tuple[PlaylistScene, ...] = ()
    """The scenes of a talk in their order; empty for those of the article."""


def config_path() -> Path:
    """Where the file is looked for: ECHO_TUI_CONFIG, or the platform's place for configuration."""
    from platformdirs import user_config_path

    given = os.environ.get("ECHO_TUI_CONFIG")
    return Path(given) if given else user_config_path("echo-tui") / "config.toml"


def read_config(known: Mapping[str, str]) -> Config:
    """Read the file, if there is one; `known` has the key of each id. Raises BadRequest with one sentence."""
    path = config_path()
    try:
        data = tomllib.loads(_read(path))
    except FileNotFoundError:
        return Config()
    except RecursionError:
        raise BadRequest(f"{path}: too deeply nested") from None
    except (OSError, ValueError) as error:  # of which UnicodeDecodeError and TOMLDecodeError are two
        raise BadRequest(f"{path}: {error}") from error
    return _checked(data, path, known)


def _read(path: Path) -> str:
    """Return the text of a small regular file. Raises OSError, or ValueError with a sentence.

    A device or a fifo would give bytes without end, or none: it is opened without waiting, and not read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if os.path.samestat(status, os.stat(os.devnull)):  # the usual way to run without a configuration
            return ""
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("not a regular file")
        data = file.read(SIZE_LIMIT + 1)
    if len(data) > SIZE_LIMIT:
        raise ValueError(f"more than {SIZE_LIMIT // 1024} KiB")
    if data.count(b".") > NAMES_LIMIT:
        raise ValueError(f"more than {NAMES_LIMIT:,} dots")
    return data.decode()


def _checked(data: Mapping[str, Any], path: Path, known: Mapping[str, str]) -> Config:
    keys, theme = data.get("keys", {}), data.get("theme")
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise BadRequest(f'{path}: [keys] takes lines such as freeze = "p"')
    if not isinstance(theme, str | None):
        raise BadRequest(f'{path}: theme takes a name, such as theme = "echo-projector"')
    stall_after = data.get("stall_after")
    if stall_after is not None and (type(stall_after) is not int or not LEAST <= stall_after <= MOST):
        raise BadRequest(f"{path}: stall_after takes whole milliseconds from {LEAST} to {MOST:,}, such as 100")
    if unknown := sorted(set(keys) - set(known)):
        raise BadRequest(f"{path}: unknown key id {unknown[0]!r}: choose from {', '.join(sorted(known))}")
    if clash := _clash(known, keys):
        raise BadRequest(f"{path}: {clash}")
    if other := sorted(set(data) - {"keys", "theme", "stall_after", "scenes"}):
        raise BadRequest(f"{path}: unknown setting {other[0]!r}: there are theme, stall_after, scenes and [keys]")
    return Config(theme, keys, stall_after, tuple(_scene(scene, path) for scene in _list(data.get("scenes", []), path)))


SCENES = 'scenes takes a list such as ["single-thread", {pattern = "asyncio", note = "ask", recording = "a.jsonl.gz"}]'


def _list(given: Any, path: Path) -> list[Any]:
    if not isinstance(given, list) or len(given) > NAMES_LIMIT:
        raise BadRequest(f"{path}: {SCENES}")
    return given


def _scene(given: Any, path: Path) -> PlaylistScene:
    """Return a scene; the name of its recording is relative to the folder of the configuration. Raises BadRequest."""
    scene = {"pattern": given} if isinstance(given, str) else given
    if not isinstance(scene, dict) or not set(scene) <= {"pattern", "note", "recording"} or "pattern" not in scene:
        raise BadRequest(f"{path}: {SCENES}")
    if not all(isinstance(value, str) for value in scene.values()):
        raise BadRequest(f"{path}: {SCENES}")
    try:
        pattern = find(scene["pattern"])
    except BadRequest as unknown:
        raise BadRequest(f"{path}: scenes: {unknown}") from None
    name = scene.get("recording", "")
    return PlaylistScene(pattern, scene.get("note", ""), _recording(name, path) if name else "")


def _recording(name: str, path: Path) -> str:
    """Return the path of a recording. Raises BadRequest."""
    try:
        recording = path.parent / Path(name).expanduser()
        if recording.is_file():
            return str(recording)
    except (OSError, RuntimeError, ValueError) as error:  # such as a home folder that is not there
        raise BadRequest(f"{path}: scenes: recording {name[:100]!r}: {error}") from None
    raise BadRequest(f"{path}: scenes: no recording {str(recording)!r}")


def _clash(known: Mapping[str, str], given: Mapping[str, str]) -> str:
    """Which two actions a key would be left with; nothing if each has keys of its own."""
    used: dict[str, str] = {}
    for id, keys in {**known, **given}.items():
        for key in keys.replace(" ", "").split(","):
            other = used.setdefault(key, id)
            if other != id:
                return f"key {key!r} would do both {other!r} and {id!r}: give one of them another"
    return ""
