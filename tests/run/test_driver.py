"""The turns of a run, with a clock of the test."""

from collections.abc import Iterator

import pytest
from echo_tui.run.driver import TURN, Driver
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan


@pytest.fixture
def live() -> Iterator[Live]:
    live = Live(Plan())
    yield live
    live.close()


def test_turn_is_late_only_after_the_first(live: Live) -> None:
    now = 1_000 * TURN
    driver = Driver(live, lambda: now)
    late = []
    for passed in (1.5, 1.0, 1.25, 0.75):
        now += int(passed * TURN)
        driver.turn()
        late.append(driver.worst_lag() / TURN)
    assert late == [0, 0, 0.25, 0]
