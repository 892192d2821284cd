"""`echo-tui diff A B`: two recordings compared."""

import json

import cloup
from echo_servers.descriptors import CLOSED, stdout_is_open
from echo_servers.server import BadRequest

from echo_tui.cli.export import whole


@cloup.command()
@cloup.argument("first", help="A recording.")
@cloup.argument("second", help="Another one.")
@cloup.option("--json", "as_json", is_flag=True, help="The numbers of both as JSON.")
def diff(first: str, second: str, as_json: bool) -> None:
    """Compare two recordings: on one axis of time, and in numbers."""
    if not stdout_is_open():
        raise BadRequest(CLOSED)
    from echo_tui.reports.difference import lines, rows
    from echo_tui.reports.findings import Findings
    from echo_tui.run.replay import Replay

    found = []
    for file in (first, second):
        replay = whole(Replay(file), file)
        findings = Findings(replay.begin)
        findings.add(replay.observations(0))
        found.append(findings)
    if as_json:
        compared = [
            {"name": row.name, "unit": row.unit, "first": row.first, "second": row.second, "change": row.change}
            for row in rows(*found)
        ]
        print(json.dumps(compared, indent=2))
    else:
        print(*lines((first, second), *found), sep="\n")
