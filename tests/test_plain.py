"""Untrusted text is escaped before it reaches a terminal."""

import json

from echo_servers.plain import plain_json
from hypothesis import given
from hypothesis import strategies as st


@given(st.dictionaries(st.text(), st.text()))
def test_escaped_json_has_the_same_value(found: dict[str, str]) -> None:
    escaped = plain_json(json.dumps(found, ensure_ascii=False))
    assert escaped.isprintable()
    assert json.loads(escaped) == found


def test_json_contains_no_control_characters() -> None:
    assert plain_json('"\x9b2J \u202e 日本 é \x7f"') == r'"\u009b2J \u202e 日本 é \u007f"'
