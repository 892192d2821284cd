"""The labels and sentences that a person reads, looked up by code when they are drawn.

Every text passes through `translated`, so that a gettext catalogue named `echo-tui` can replace it.
"""

import gettext

_CATALOGUE = gettext.translation("echo-tui", fallback=True)


def translated(message: str) -> str:
    """Return a text in the user's language; the text itself where no catalogue has it."""
    return _CATALOGUE.gettext(message)


def counted(number: int, one: str, several: str, **values: object) -> str:
    """Return a text with a number in the place of `{number}`, in the singular or plural of the user's language."""
    return _CATALOGUE.ngettext(one, several, number).format(number=number, **values)
