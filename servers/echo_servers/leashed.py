"""Runs any program so that it ends with its parent: `python -m echo_servers.leashed FD PROGRAM ARGUMENT...`.

FD is the read end of a parent-death pipe (leash.py). The program keeps this process, its session and its group; the
pipe ends the whole group. A program that closes unknown descriptors is not covered.
"""

import os
import sys

from echo_servers.leash import wear

NOT_FOUND = 127
"""The exit code for a program that can't be run, as in a shell."""


def main() -> None:
    """Replace this process by the program."""
    tied, *line = sys.argv[1:]
    wear(int(tied), -os.getpgid(0))
    try:
        os.execvp(line[0], line)
    except OSError as error:
        print(f"{line[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(NOT_FOUND)


if __name__ == "__main__":
    main()
