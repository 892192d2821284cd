"""The contrast of all themes; the project's own themes are readable from the last row."""

import pytest
from echo_tui.tui.palette import THEMES, Palette
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

AA = 4.5
"""WCAG's minimum contrast for text."""
LARGE = 3.0
"""The same for large text and shapes."""


def contrast(style: Style, background: Color) -> float:
    """Return the contrast of a style's colour with its background, by WCAG 2.1's formula."""
    assert style.color
    on = Color.from_rich_color(style.bgcolor) if style.bgcolor else background
    low, high = sorted((luminance(Color.from_rich_color(style.color)), luminance(on)))
    return (high + 0.05) / (low + 0.05)


def luminance(color: Color) -> float:
    """Return a colour's relative luminance, by the same source."""
    parts = [part / 255 for part in color.rgb]
    red, green, blue = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_contrast(theme: object) -> None:
    chosen = next(one for one in THEMES if one is theme)
    app: App[None] = App()
    app.register_theme(chosen)
    app.theme = chosen.name
    palette = Palette.of(app)
    assert chosen.background
    background = Color.parse(chosen.background)
    for name in ("text", "strong", "accent", "good", "waiting", "queued", "bad", "cursor", "blocked", "dim"):
        assert contrast(getattr(palette, name), background) >= AA, name
    cursor = Color.from_rich_color(palette.cursor.bgcolor)
    for name in ("text", "strong", "good", "waiting", "queued", "bad"):
        assert contrast(getattr(palette, name), cursor) >= AA, f"{name} under the cursor"
    panel = Color.parse(chosen.panel or chosen.background)
    for name in ("text", "strong", "accent", "good", "bad", "dim"):
        assert contrast(getattr(palette, name), panel) >= AA, f"{name} in header and footer"
    assert contrast(palette.faint, background) >= LARGE


@pytest.mark.parametrize(
    "theme", [t for t in BUILTIN_THEMES.values() if not t.name.startswith("ansi")], ids=lambda t: t.name
)
def test_other_themes_are_readable(theme: Theme) -> None:
    app: App[None] = App()
    app.theme = theme.name
    palette, background = Palette.of(app), Color.parse(theme.background or ("#121212" if theme.dark else "#ffffff"))
    for name in ("accent", "good", "waiting", "queued", "bad", "blocked", "stalled"):
        assert contrast(getattr(palette, name), background) >= AA, name
