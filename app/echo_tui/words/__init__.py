"""The labels and sentences that a person reads, looked up by code when they are drawn.

Every text passes through `translated`, so that a gettext catalogue named `echo-tui` can replace it.
"""

import gettext

_CATALOGUE = gettext.translation("echo-tui", fallback=True)


def translated(message: str) -> str:
    """Return a text in the user's language; the text itself where no catalogue has it."""
    return _CATALOGUE.gettext(message)
