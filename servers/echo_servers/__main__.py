"""Run one server: `python -m echo_servers NAME`."""

import gc


def main() -> None:
    """Run the command. What importing makes stays, so looking for garbage in it would only delay the start."""
    gc.disable()
    from echo_servers.command import main as run

    gc.enable()
    run()


if __name__ == "__main__":
    main()
