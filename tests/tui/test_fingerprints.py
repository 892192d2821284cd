"""A panel is drawn again when its fingerprint changes, so a fingerprint must consist of values, not of live objects."""

import dataclasses
import enum
from collections.abc import Iterator
from typing import Any

import msgspec
from echo_servers.server import Options
from echo_tui.tui.panel import Panel

from tests.tui.stage import dashboard

VALUES = (type(None), bool, int, float, str, bytes, enum.Enum)


def mutable(found: Any) -> Iterator[Any]:
    """Yield what a fingerprint contains that can change without becoming unequal to itself."""
    if isinstance(found, tuple | frozenset):
        for each in found:
            yield from mutable(each)
    elif isinstance(found, msgspec.Struct) or dataclasses.is_dataclass(found):
        settings: Any = getattr(found, "__struct_config__", None) or getattr(found, "__dataclass_params__", None)
        if not settings.frozen:
            yield found
    elif not isinstance(found, VALUES):
        yield found


async def test_fingerprints_consist_of_values() -> None:
    async with dashboard("asyncio", clients=2, options=Options(port=0)) as stage:
        await stage.connected(2)
        await stage.press("E")
        await stage.until(lambda: stage.session.stalls.going, "a stall")
        view = stage.app.view()
        panels = list(stage.app.screen_stack[0].query(Panel))
        assert len(panels) > 8
        faults = {panel.id: list(mutable(panel.fingerprint(view))) for panel in panels}
        assert not {name: found for name, found in faults.items() if found}


async def test_header_shows_the_block_as_soon_as_it_is_armed() -> None:
    async with dashboard("asyncio", options=Options(port=0)) as stage:
        await stage.shows("block: off")
        view = stage.app.view()
        header = stage.app.screen_stack[0].query_one("#header", Panel)
        before = header.fingerprint(view)
        stage.app.live.toggle_block()
        assert header.fingerprint(view) != before
