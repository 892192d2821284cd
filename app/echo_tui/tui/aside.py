"""A live run that is put aside while a recording of its scene is on screen."""

from dataclasses import dataclass

from echo_tui.run.driver import Driver
from echo_tui.run.live import Live
from echo_tui.tui.talk import Talk


@dataclass(frozen=True)
class Aside:
    """The run, which goes on unseen, and what belongs to it: its driver, its talk and the chosen client."""

    live: Live
    driver: Driver
    talk: Talk
    client: int | None
