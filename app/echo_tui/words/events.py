"""The event log: records in words, and how a server ended."""

import signal

from echo_servers.records import Block, Bye, Listening, Lost, New, Record, Recv, Send, ThreadCount, Unblock

from echo_tui.model.client_notes import ClientNote
from echo_tui.model.observations import BlockSet, ClientsLost, Flooding, Output, OutputHeld, ServerStarted
from echo_tui.words import counted, translated

SENTENCES: dict[type[Record], str] = {
    New: "New client: {peer}",
    Recv: "Recv: {payload} from {peer}",
    Send: "Send: {payload} to {peer}",
    Bye: "Bye-Bye: {peer}",
    Block: "{block} begins, for {peer}",
    Unblock: "the block for {peer} is over",
    Listening: "listening on {address}, backlog {backlog}",
    ThreadCount: "{count:,} threads",
    Lost: "{events} lost: the pipe was full (totals include them)",
    ClientsLost: "{records} of our clients lost: their counts are too low",
    Output: "{stream}: {text}",
    Flooding: "the flood has only {count}: {why}",
    ServerStarted: "started {pattern}, process {pid}",
}
NOTES: dict[str, str] = {
    ClientNote.MESSAGE_DROPPED: "client {text} has too much waiting to be sent: a message was dropped",
    ClientNote.NOT_UNDERSTOOD: "the clients can't do what they were asked: {text}",
    ClientNote.FAILED: "the clients have failed: {text}",
}
"""Notes of our client process; those of a server are sentences of its own."""
ON_OR_OFF: dict[tuple[type[Record], bool], str] = {
    (BlockSet, True): "block on: {block}",
    (BlockSet, False): "block off",
    (OutputHeld, True): "stdout is held: nobody reads it",
    (OutputHeld, False): "stdout is read",
}


def event(kind: type[Record], **values: object) -> str:
    """Return a record of one of the types of `SENTENCES` in words."""
    return translated(SENTENCES[kind]).format(**values)


def only(port: int) -> str:
    """Return that the block is for one client only, as the end of a sentence."""
    return translated(", only for :{port}").format(port=port)


def switched(kind: type[Record], on: bool, **values: object) -> str:
    """Return a record of one of the types of `ON_OR_OFF` in words."""
    return translated(ON_OR_OFF[kind, on]).format(**values)


def note(code: str, text: str) -> str:
    """Return a note in words: the text itself unless it is one of our client process."""
    return translated(NOTES[code]).format(text=text) if code in NOTES else text


def unlisted(echoes: int, connections: int) -> str:
    """Return how many echoes of how many connections have no line of their own."""
    of = counted(connections, "{number:,} connection", "{number:,} connections")
    return counted(echoes, "+{number:,} echo of {of}, not listed", "+{number:,} echoes of {of}, not listed", of=of)


def events(number: int) -> str:
    """Return a number of events."""
    return counted(number, "{number:,} event", "{number:,} events")


def records(number: int) -> str:
    """Return a number of records."""
    return counted(number, "{number:,} record", "{number:,} records")


def ending(code: int | None, wanted: bool) -> str:
    """Return how a server ended: on request, or by its exit code or signal (a negative code; None if not known)."""
    if wanted:
        return translated("stopped")
    if code is None:
        return translated("ended")
    if code >= 0:
        return translated("ended: exit code {code}").format(code=code)
    try:
        return translated("ended by {name}").format(name=signal.Signals(-code).name)
    except ValueError:
        return translated("ended by signal {number}").format(number=-code)


def title(title: str, reported: bool, received: str, sent: str) -> str:
    """Return the title of the log; `reported` unless events are inferred."""
    words = "{title}: {received} recv, {sent} send"
    if not reported:
        words = "{title} inferred from the kernel: {received} recv, {sent} send"
    return translated(words).format(title=title, received=received, sent=sent)
