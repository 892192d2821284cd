"""Valid answers to the questions of the screen, and the errors for invalid ones."""

from collections.abc import Callable

import pytest
from echo_tui.tui.answers import burst, rate, whole


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("100", (100, 64)), (" 7 ", (7, 64)), ("2000x64k", (2000, 65536)), ("3 x 1K", (3, 1024)), ("1x1", (1, 1))],
)
def test_burst_is_parsed(text: str, wanted: tuple[int, int]) -> None:
    assert burst(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"), [("0", (0, 64)), ("0.5", (0.5, 64)), ("10x64k", (10, 65536)), ("1000x100", (1000, 100))]
)
def test_rate_is_parsed(text: str, wanted: tuple[float, int]) -> None:
    assert rate(text) == wanted


@pytest.mark.parametrize(
    ("read", "text"),
    [(burst, "0"), (burst, ""), (burst, "x"), (burst, "1000001"), (burst, "10x"), (burst, "10x65k"), (burst, "10x0"),
     (burst, "10x64kB"), (burst, "10x-1"), (rate, "nan"), (rate, "1001"), (rate, "-1"), (rate, "1xk"),
     (whole(1, 5), "6"), (whole(1, 5), "2x64k")],
)  # fmt: skip
def test_invalid_answer(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r"please|size"):
        read(text)
