"""Panels that were never drawn handle keys, and the cursor hides no background."""

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


async def test_own_background_is_kept_under_the_cursor() -> None:
    app = Still("asyncio-blocking", run())
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.press("3", "home")
        app.draw()
        await pilot.pause()
        panel = app.query_one("#connections", Panel)
        for _ in range(panel.last):
            for strip in panel._strips:
                for text, style, _ in strip:
                    if text.strip().startswith("blocks"):
                        assert style
                        assert style.bgcolor == app.palette.blocked.bgcolor
            await pilot.press("down")
            app.draw()
            await pilot.pause()
        assert any("blocks" in text for strip in panel._strips for text, _, _ in strip)
