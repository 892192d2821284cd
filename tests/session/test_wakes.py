"""How many loops a connection wakes."""

from app.session.session import Session
from servers.records import Lost, New, Wakes


def test_wakes_per_connection() -> None:
    session = Session()
    assert session.totals.wakes_each is None
    session.apply(New(1, 7, 7, 1, "127.0.0.1:5001"))
    assert session.totals.wakes_each is None, "nobody counts them"
    session.apply(Wakes(2, 7, 7, 0))
    session.apply(Wakes(2, 8, 8, 0))
    assert session.totals.wakes_each == 1
    session.apply(Wakes(3, 8, 8, 2))
    session.apply(New(4, 8, 8, 1, "127.0.0.1:5002"))
    assert session.totals.wakes_each == 2
    session.apply(Lost(5, 8, 8, 3, wakes=4))
    assert session.totals.wakes_each == 4


def test_of_no_connection_there_is_no_average() -> None:
    session = Session()
    session.apply(Wakes(2, 7, 7, 5))
    assert session.totals.wakes_each is None
