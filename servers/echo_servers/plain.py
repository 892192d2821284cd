"""Text from outside made harmless for a terminal."""

import json


def plain(text: str) -> str:
    """Return the text with each character escaped that a terminal obeys, or that turns the direction of writing."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def plain_json(document: str) -> str:
    """Return a JSON document with the same characters escaped in its strings; it means the same as before.

    JSON itself escapes only the controls below U+0020; a terminal also obeys some from U+007F on.
    """
    if document.isascii() and "\x7f" not in document:
        return document
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in document)
