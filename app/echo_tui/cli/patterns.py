"""`echo-tui list`: the patterns."""

import json

import click
import cloup
from echo_servers.catalog import BY_NAME, FAMILIES, PATTERNS


@cloup.command(name="list")
@cloup.option("--json", "as_json", is_flag=True, help="As JSON, with each pattern's story.")
def list_patterns(as_json: bool) -> None:
    """List the patterns."""
    if as_json:
        fields = ("name", "family", "title", "story", "watch", "blocking", "serves", "missing")
        click.echo(json.dumps([{field: getattr(p, field) for field in fields} for p in PATTERNS], indent=2))
        return
    width = max(map(len, BY_NAME))
    for family in FAMILIES:
        click.echo(family.upper())
        for pattern in PATTERNS:
            if pattern.family == family:
                missing = f"  ({pattern.missing})" if pattern.missing else ""
                click.echo(f"  {pattern.name:{width}}  {pattern.title}{missing}")
