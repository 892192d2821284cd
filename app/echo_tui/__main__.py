"""The command `echo-tui`, also as `python -m echo_tui`."""

import gc
import signal

YOUNG = 50_000
"""New objects after which the garbage collector looks for cycles. Importing the screen makes more than a hundred
thousand that stay; checking them every 700, as by default, takes a tenth of the time to the first drawing."""


def main() -> None:
    """Run the command.

    While its modules are imported there is nothing to put back, so Ctrl-C ends it at once and without a traceback.
    """
    gc.set_threshold(YOUNG)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as for a job in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from echo_servers.descriptors import open_standard_descriptors

    open_standard_descriptors()
    from echo_tui.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
