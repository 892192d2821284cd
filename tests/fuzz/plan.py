"""The plan of random traffic, derived from a seed (pure)."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from echo_servers.block import KINDS, BlockSetting

ACTORS = 8
SIZES = (1, 5, 64, 1024, 5000)
LARGE = (50_000, 200_000)
KINDS_OF_STEP = ("send", "send large", "silence", "stop reading", "half-close", "reset", "flood")
WEIGHTS = (70, 6, 10, 4, 4, 4, 2)
PAUSES = (0.0, 0.01, 0.05, 0.2)


@dataclass(frozen=True)
class Step:
    """One step of a client, `pause` seconds after the last one and once it has all its echoes."""

    what: str
    pause: float
    size: int = 0
    """Bytes of a message, or connections of a flood."""
    seconds: float = 0.0
    """Duration of silence, of not reading, or of a flood."""


def steps(seed: int, actor: int) -> Iterator[Step]:
    """Yield the steps of one client, endlessly."""
    chance = random.Random(f"{seed} {actor}")
    while True:
        (what,) = chance.choices(KINDS_OF_STEP, WEIGHTS)
        size = chance.choice(LARGE if what == "send large" else SIZES)
        if what == "flood":
            size = chance.randint(5, 20)
        yield Step(what, chance.choice(PAUSES), size, chance.uniform(0.2, 1.0))


def blocks(seed: int, seconds: float) -> list[tuple[float, BlockSetting | None]]:
    """Return when (s) the block is armed and with what; None disarms it."""
    chance = random.Random(f"{seed} blocks")
    found: list[tuple[float, BlockSetting | None]] = []
    at = chance.uniform(0.2, 1.0)
    while at < seconds:
        setting = BlockSetting(chance.choice(KINDS), round(chance.uniform(0.1, 0.6), 2), chance.randint(1, 6))
        found.append((at, setting))
        at += chance.uniform(1.0, 3.0)
        found.append((min(at, seconds), None))
        at += chance.uniform(0.3, 1.5)
    return found
