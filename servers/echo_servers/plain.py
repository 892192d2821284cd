"""Make untrusted text harmless for a terminal."""

import json


def plain(text: str) -> str:
    """Escape each character that a terminal interprets, or that changes the writing direction."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def plain_json(document: str) -> str:
    """Escape the same characters in the strings of a JSON document, without changing its meaning.

    JSON itself escapes only control characters below U+0020; a terminal also interprets some from U+007F on.
    """
    if document.isascii() and "\x7f" not in document:
        return document
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in document)
