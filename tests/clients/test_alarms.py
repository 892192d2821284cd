"""Each sleeper has at most one alarm, and alarms ring in order of time."""

from echo_tui.clients.alarms import SLACK, Alarms
from hypothesis import given
from hypothesis import strategies as st


class _Sleeper:
    def wake(self) -> None:
        """Nothing to do."""


@given(
    st.lists(st.tuples(st.integers(0, 4), st.one_of(st.none(), st.integers(0, 20))), max_size=80), st.integers(0, 20)
)
def test_alarms_match_a_dictionary(steps: list[tuple[int, int | None]], now: int) -> None:
    sleepers = [_Sleeper() for _ in range(5)]
    alarms = Alarms()
    model: dict[_Sleeper, int] = {}
    for number, at in steps:
        if at is None:
            alarms.cancel(sleepers[number])
            model.pop(sleepers[number], None)
        else:
            alarms.set(sleepers[number], at)
            model[sleepers[number]] = at
    rung = alarms.ring(now)
    assert sorted(map(id, rung)) == sorted(id(sleeper) for sleeper, at in model.items() if at <= now)
    assert [model[sleeper] for sleeper in rung if isinstance(sleeper, _Sleeper)] == sorted(
        at for at in model.values() if at <= now
    )
    assert alarms.ring(now) == []


def test_moving_an_alarm_repeatedly_uses_bounded_memory() -> None:
    alarms, sleeper = Alarms(), _Sleeper()
    for at in range(10_000):
        alarms.set(sleeper, at)
    assert len(alarms._times) <= 2 + SLACK + 1
