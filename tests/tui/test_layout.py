"""Which panels are shown at each size of the terminal."""

from echo_tui.tui.keys import PANELS
from echo_tui.tui.layout import ALWAYS, EVERYTHING, LOWER, MIN_HEIGHT, MIN_WIDTH, arrange, size_class
from hypothesis import given
from hypothesis import strategies as st

sizes = st.tuples(st.integers(1, 400), st.integers(1, 200))
places = st.sampled_from(PANELS)


def test_layout_by_size() -> None:
    assert [size_class(*size) for size in ((80, 24), (100, 30), (160, 45))] == ["narrow", "talk", "wide"]
    assert [size_class(*size) for size in ((79, 24), (80, 23), (30, 10))] == ["small"] * 3
    assert [size_class(*size) for size in ((140, 40), (139, 40), (140, 39))] == ["wide", "talk", "talk"]


def test_wide_screen_shows_every_panel() -> None:
    assert arrange(160, 45, "patterns").shown == {*ALWAYS, "timeline", *LOWER} - {"calls"}
    assert arrange(160, 45, "patterns", strace=True).shown == {*ALWAYS, "timeline", *LOWER} - {"events"}


def test_chosen_panel_is_shown_where_not_all_fit() -> None:
    assert "source" in arrange(100, 30, "source").shown
    assert {"cpu", "threads"}.isdisjoint(arrange(100, 30, "source").shown)
    for panel in set(LOWER) - {"calls"}:
        assert arrange(80, 24, panel).shown & set(LOWER) == {panel}


def test_system_calls_and_events_share_one_place() -> None:
    for panel in ("events", "calls"):
        assert arrange(80, 24, panel).shown & set(LOWER) == {"events"}
        assert arrange(80, 24, panel, strace=True).shown & set(LOWER) == {"calls"}


@given(sizes, places)
def test_chosen_panel_is_always_shown(size: tuple[int, int], place: str) -> None:
    layout = arrange(*size, place)
    if layout.name == "small":
        assert layout.shown == {"too-small"}
        assert size[0] < MIN_WIDTH or size[1] < MIN_HEIGHT
    else:
        assert place in layout.shown
        assert set(ALWAYS) < layout.shown < set(EVERYTHING)
        assert "ended" not in layout.shown


@given(sizes, places)
def test_expanded_panel_replaces_all_others(size: tuple[int, int], place: str) -> None:
    layout = arrange(*size, place, expanded=place)
    assert layout.shown in ({"too-small"}, {"header", "keys", place})


@given(sizes, places)
def test_panel_of_an_ended_server_replaces_the_others(size: tuple[int, int], place: str) -> None:
    layout = arrange(*size, place, instead="ended")
    assert layout.shown in ({"too-small"}, {*ALWAYS, "timeline", "ended"})
