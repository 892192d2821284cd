"""`echo-tui doctor [TARGET]`: which evidence can be had, and what would bring the rest."""

import sys

import click
import cloup
import msgspec
from echo_servers.descriptors import CLOSED, stdout_is_open
from echo_servers.plain import plain
from echo_servers.server import BadRequest

from echo_tui.cli.program import NO_PERMISSION, permitted


@cloup.command()
@cloup.argument("target", required=False, help="A PID, :PORT or HOST:PORT of this machine.")
@cloup.option("--json", "as_json", is_flag=True, help="A JSON document.")
@click.pass_context
def doctor(ctx: click.Context, target: str | None, as_json: bool) -> None:
    """Say which evidence can be had here, and of TARGET; what is missing, and what would bring it.

    The exit code is 0 if nothing is missing, and 4 if something is.
    """
    from echo_tui.observers.evidence import of_machine, of_target
    from echo_tui.observers.targets import find_target, looks_like_target

    if not stdout_is_open():
        raise BadRequest(CLOSED)
    if target is not None and not looks_like_target(target):
        raise BadRequest(f"{target!r} is no PID, :PORT or HOST:PORT; 'echo-tui attach' lists the servers")
    found = list(of_machine())
    if target is not None:
        found += of_target(permitted(lambda: find_target(target)))
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        for one in found:
            print(plain(f"{'✓' if one.there else '✗'} {one.name:<32} {one.missing or one.source}"))
            if one.fix:
                print(plain(f"  {'':<32} → {one.fix}"))
    ctx.exit(0 if all(one.there for one in found) else NO_PERMISSION)
