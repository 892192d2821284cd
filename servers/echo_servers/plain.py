"""Text from outside made harmless for a terminal."""


def plain(text: str) -> str:
    """Return the text with each character escaped that a terminal obeys, or that turns the direction of writing."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
