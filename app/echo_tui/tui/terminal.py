"""The terminal's end of the dashboard: what arrives from it, also bytes that are no text, and its loss."""

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
        """Hand on what is typed until the driver stops.

        Textual 8.2.8 decodes strictly, so one byte of Latin-1 ends the program, and reads on at end-of-file without
        a pause. A terminal that closes sends SIGHUP only to the session it controls, so its end is noticed here too.
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
                    if typed := decode(data):  # the first bytes of a character alone are no text yet
                        for event in parser.feed(typed):
                            self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)

    def _read(self) -> bytes:
        """Return what was typed; nothing once the terminal is gone (read(2) gives 0 bytes, or EIO)."""
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:
            return b""


def robust(driver: type[Driver]) -> type[Driver]:
    """Return our driver in place of Textual's own for a terminal; any other one stays."""
    return TerminalDriver if driver is LinuxDriver else driver
