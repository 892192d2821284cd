"""What the others should feel, by what kind of block it is and how the pattern is built."""

from app.matrix.cell import Felt
from servers.catalog import Pattern


def expected(pattern: Pattern, kind: str, same_process: bool) -> Felt:
    return Felt.UNTOUCHED
