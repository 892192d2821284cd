"""The terminal driver: it handles input that is not UTF-8, and the loss of the terminal."""

import codecs
import os
import selectors
import signal

from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

READ_BYTES = 4096
TICK = 0.1
"""Seconds after which a lone Esc counts as the key."""


class TerminalDriver(LinuxDriver):
    """Textual's driver, which replaces bytes that are not UTF-8 and ends the dashboard when the terminal is lost."""

    def run_input_thread(self) -> None:
        """Forward input until the driver stops or the terminal is lost.

        Textual 8.2.8 decodes strictly, so one byte of Latin-1 ends the program, and at end-of-file it reads
        on without a pause. A terminal that closes sends SIGHUP only to the session it controls, so the end of input
        counts as its loss, too.
        """
        parser = XTermParser(self._debug)
        decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(TICK):
                    data = self._read()
                    if not data:
                        os.kill(os.getpid(), signal.SIGHUP)
                        return
                    if typed := decode(data):  # empty while a character is incomplete
                        for event in parser.feed(typed):
                            self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)

    def _read(self) -> bytes:
        """Return the input; empty once the terminal is gone (read(2) returns 0 bytes, or EIO)."""
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:
            return b""


def robust(driver: type[Driver]) -> type[Driver]:
    """Return our driver in place of Textual's LinuxDriver, and any other driver unchanged."""
    return TerminalDriver if driver is LinuxDriver else driver
