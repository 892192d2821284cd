"""What the process of our clients notes for the person who watches, beside what its clients do."""

from enum import StrEnum


class ClientNote(StrEnum):
    """The codes of its notes; the text of a note is what it is about."""

    MESSAGE_DROPPED = "message-dropped"
    """These clients have too much waiting to be sent."""
    NOT_UNDERSTOOD = "not-understood"
    """A command of the dashboard could not be carried out."""
    FAILED = "clients-failed"
