"""The styles of the line-rendered panels, derived from the theme, and the project's own themes."""

from dataclasses import dataclass
from typing import Any

from rich.style import Style
from textual.app import App
from textual.color import Color, ColorParseError
from textual.theme import Theme

DARK = Theme(
    name="echo-dark",
    primary="#7aa2f7",
    secondary="#5b6b8c",
    accent="#7aa2f7",
    foreground="#d5dbe8",
    background="#10141c",
    surface="#10141c",
    panel="#1a2130",
    success="#7fc98f",
    warning="#ffb454",
    error="#ff6b6b",
    dark=True,
    variables={"border": "#33405a", "border-blurred": "#26314a", "footer-key-foreground": "#7aa2f7"},
)
LIGHT = Theme(
    name="echo-projector",
    primary="#0033a0",
    secondary="#404040",
    accent="#0033a0",
    foreground="#000000",
    background="#ffffff",
    surface="#ffffff",
    panel="#e8ecf4",
    success="#005a1e",
    warning="#983c00",
    error="#b00020",
    dark=False,
    variables={"border": "#606060", "border-blurred": "#a0a0a0", "footer-key-foreground": "#0033a0"},
)
THEMES = (DARK, LIGHT)
LEGIBLE = 4.5
"""The least contrast of text with its background (WCAG 2, level AA)."""


@dataclass(frozen=True)
class Palette:
    """Styles by meaning, derived from the active theme. Each state also has a shape or a word of its own."""

    text: Style
    dim: Style
    faint: Style
    accent: Style
    strong: Style
    good: Style
    waiting: Style
    warning: Style
    queued: Style
    bad: Style
    stalled: Style
    cursor: Style
    blocked: Style
    dark: bool

    @classmethod
    def of(cls, app: App[Any]) -> "Palette":
        """Return the palette of the app's active theme."""
        theme = app.current_theme
        background, text, accent, warning, error, good = legible_colors(theme)

        def style(color: Color, bold: bool = False, back: Color | None = None) -> Style:
            return Style(color=color.rich_color, bold=bold, bgcolor=back.rich_color if back else None)

        def fade(color: Color, share: float) -> Color:
            return color if color.ansi is not None or background.ansi is not None else color.blend(background, share)

        # Without colour (NO_COLOR) only lightness is left, and a block's chip would be lighter than a stall's.
        stalled = style(background, bold=True, back=text if app.no_color else error)
        blocked = style(text, bold=True) if app.no_color else style(background, bold=True, back=warning)
        return cls(
            text=style(text),
            dim=style(fade(text, 0.38)),
            faint=style(fade(text, 0.55)),
            accent=style(accent),
            strong=style(text, bold=True),
            good=style(good),
            waiting=style(warning, bold=True),
            warning=style(warning),
            queued=style(error),
            bad=style(error, bold=True),
            stalled=stalled,
            cursor=style(text, back=fade(accent, 0.8)),
            blocked=blocked,
            dark=theme.dark,
        )


def legible_colors(theme: Theme) -> tuple[Color, Color, Color, Color, Color, Color]:
    """Return a theme's background, and text, accent, warning, error and success as they are legible on it."""
    background = _color(theme.background, "#121212" if theme.dark else "#ffffff")
    text = _color(theme.foreground, "#e0e0e0" if theme.dark else "#000000")
    accent = legible(_color(theme.primary, "#5f87ff"), text, background)
    warning = legible(_color(theme.warning, "#ffaf00"), text, background)
    error = legible(_color(theme.error, "#ff5f5f"), text, background)
    return background, text, accent, warning, error, legible(_color(theme.success, "#5faf5f"), text, background)


def legible(color: Color, text: Color, background: Color) -> Color:
    """Return the colour, blended with that of the text as far as it takes to be read on the background.

    Many light themes have an orange and a green made for surfaces, which nobody can read on a projector.
    """
    if any(each.ansi is not None for each in (color, text, background)):
        return color
    shares = (step / 20 for step in range(21))
    blended = (color.blend(text, share) for share in shares)
    return next((each for each in blended if contrast(each, background) >= LEGIBLE), text)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colours, from 1 to 21, as defined by WCAG 2."""
    darker, lighter = sorted(_luminance(color) for color in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _color(value: str | None, otherwise: str) -> Color:
    try:
        return Color.parse(value or otherwise)
    except ColorParseError:
        return Color.parse(otherwise)
