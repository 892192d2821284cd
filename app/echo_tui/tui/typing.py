"""An app that handles keys one after the other, in the order in which they were typed.

Textual 8.2.8 forwards each key at once to the widget that has the focus then. A key that moves the focus or opens a
dialog is handled later, so keys typed in the same burst would go to the previous widget.
"""

import time
from collections import deque
from typing import TypeVar

from textual import events
from textual.app import App
from textual.message import Message
from textual.widget import Widget

R = TypeVar("R")
MOST = 10_000
"""The limit of keys and pastes in the queue; beyond it the oldest are dropped."""
PATIENCE = 0.3
"""Seconds after which the next key is handled even if the previous one has not been."""
AGAIN = 0.01
"""Seconds between two checks whether the next key can be handled."""


class Handled(Message):
    """A message that follows a key through the same queues, up to the app: when it arrives, the key is handled.

    The `second` one follows the messages that the key has caused, such as a submitted line.
    """

    def __init__(self, number: int, second: bool = False) -> None:
        super().__init__()
        self.number, self.second = number, second


class TypedInOrder(App[R]):
    """An app that forwards a key once the previous one is handled and the screen it opened is mounted."""

    def __init__(self) -> None:
        super().__init__()
        self._typed: deque[events.Key | events.Paste] = deque(maxlen=MOST)
        self._numbers = 0
        self._under_way: tuple[int, Widget, float] | None = None
        """The key being handled: its number, its widget, and the time after which it is no longer waited for."""
        self._watches = False

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            self._typed.append(event)
            await self._handle_next()
        else:
            await super().on_event(event)

    async def _handle_next(self) -> None:
        while self._typed and not self._under_way and self.screen.is_mounted:
            event, target = self._typed.popleft(), self.focused or self.screen
            self._numbers += 1
            self._under_way = (self._numbers, target, time.monotonic() + PATIENCE)
            await super().on_event(event)
            if not target.post_message(Handled(self._numbers)):  # the target has just been closed
                self._under_way = None
        if self._typed and not self._watches:
            self._watches = True
            self.set_timer(AGAIN, self._check_again)

    async def _check_again(self) -> None:
        """Continue if the screen is mounted by now, or the key was lost: it may close the screen that it went to."""
        self._watches = False
        if self._under_way:
            _, target, until = self._under_way
            if time.monotonic() > until or not target.is_attached or target.screen not in self.screen_stack:
                self._under_way = None
        await self._handle_next()

    async def on_handled(self, message: Handled) -> None:
        message.stop()
        if self._under_way and self._under_way[0] == message.number:
            target = self._under_way[1]
            if message.second or not target.post_message(Handled(message.number, second=True)):
                self._under_way = None
                await self._handle_next()
