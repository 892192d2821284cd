"""Checks that every key of a group does what its help says: one check for each key, in the order of the help."""

from collections.abc import Awaitable, Callable

from echo_servers.catalog import find
from echo_tui.model.endings import ON_PURPOSE
from echo_tui.tui.dialogs import Ask
from echo_tui.tui.keys import ALL_KEYS

from tests.tui.stage import Stage

Check = Callable[[Stage], Awaitable[None]]


class Checks:
    """The checks of one group's keys, which run one after the other on one dashboard."""

    def __init__(self, group: str) -> None:
        self._keys = [key.id for key in ALL_KEYS if key.group == group]
        self._checks: dict[str, Check] = {}

    def key(self, name: str) -> Callable[[Check], Check]:
        """Return a decorator that registers the check of the key with this id."""

        def register(check: Check) -> Check:
            self._checks[name] = check
            return check

        return register

    async def go(self, stage: Stage) -> None:
        """Check every key of the group; fail if a key has no check, or a check no key."""
        assert set(self._keys) == set(self._checks)
        for name in self._keys:
            await self._checks[name](stage)


async def answer(stage: Stage, words: str) -> None:
    """Answer the question on the screen, and wait until the answer is accepted."""
    await stage.until(lambda: isinstance(stage.app.screen, Ask), "a question")
    await stage.write(words)
    await stage.press("enter")
    await stage.until(lambda: not isinstance(stage.app.screen, Ask), "an answer that is taken")


async def without_clients(stage: Stage, pattern: str) -> None:
    """Close all clients, and start another pattern without any."""
    stage.app.live.close_clients([])
    await stage.until(lambda: all(one.ended in ON_PURPOSE for one in stage.session.clients.values()), "all are closed")
    stage.app.start_from_palette(find(pattern))
    await stage.serving(pattern)
    await stage.until(lambda: not stage.session.clients, "nobody")
