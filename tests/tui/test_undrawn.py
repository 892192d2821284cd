"""Panels that were never drawn for lack of room can still be sent keys and wheel events."""

from echo_tui.tui.panel import Panel

from tests.tui.still import Still, run


async def test_panel_that_was_never_drawn_handles_every_key() -> None:
    app = Still("asyncio-blocking", run())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.draw()
        undrawn = [panel for panel in app.query(Panel) if panel.focusable and not panel.extent]
        assert undrawn, "at this size some panels have no room"
        for panel in undrawn:
            for step in (-1, 1):
                panel.action_move(step)
                panel.action_page(step)
                panel.action_edge(step)
                panel.scroll_lines(step)
            panel.redraw()
