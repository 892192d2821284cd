"""The environment of a matrix: machine, installed packages, parameters and time."""

import platform
import time
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from echo_servers.workers import cores

from echo_tui.experiments.parameters import CellParameters

LIBRARIES = ("echo-tui", "eventlet", "gevent", "greenlet", "twisted", "trio", "uvloop")


@dataclass(frozen=True)
class Environment:
    """The environment in which a matrix was measured."""

    machine: dict[str, Any]
    versions: dict[str, str]
    parameters: CellParameters
    at: str


def environment(parameters: CellParameters) -> Environment:
    """Return the current environment."""
    machine = {"system": platform.platform(), "processor": _processor(), "cores": cores()}
    return Environment(
        machine, {"python": platform.python_version(), **_versions()}, parameters, time.strftime("%Y-%m-%d %H:%M")
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """Return the processor's name, where the system has it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            return next((line.partition(": ")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        return platform.processor()
