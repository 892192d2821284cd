"""The command `echo-tui`, also as `python -m echo_tui`."""

import signal


def main() -> None:
    """Run the command.

    While its modules are imported there is nothing to put back, so Ctrl-C ends it at once and without a traceback.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as for a job in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from echo_servers.descriptors import open_standard_descriptors

    open_standard_descriptors()
    from echo_tui.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
