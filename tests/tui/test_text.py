"""Numbers with their units, shortened names, and text from outside without control characters."""

import unicodedata

import pytest
from echo_servers.records import PREVIEW, New, WorkerStarted, preview
from echo_tui.model.observations import ServerStarted
from echo_tui.model.threads import Doing
from echo_tui.session.session import Session
from echo_tui.tui import text
from echo_tui.tui.panels.threads import name_in_short, names_of
from echo_tui.tui.text import MS, SECOND
from echo_tui.words import clients, threads
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (None, "-"),
        (0, "0.00 ms"),
        (123_456, "0.12 ms"),
        (MS, "1.0 ms"),
        (99 * MS, "99.0 ms"),
        (100 * MS, "100 ms"),
        (999 * MS, "999 ms"),
        (SECOND, "1.0 s"),
        (1_940 * MS, "1.9 s"),
        (20 * SECOND, "20.0 s"),
        (100 * SECOND, "01:40"),
        (3_700 * SECOND, "1:01:40"),
    ],
)
def test_durations(ns: int | None, words: str) -> None:
    assert text.duration(ns) == words


@given(st.integers(0, 10**15))
def test_duration_is_short_and_has_its_unit(ns: int) -> None:
    words = text.duration(ns)
    assert len(words) <= 9
    assert words.endswith((" ms", " s")) or ":" in words


def test_elapsed_time_is_given_in_tenths() -> None:
    tenths = (0, 9, 199, 999, 1000)
    assert [text.elapsed(tenth * SECOND // 10) for tenth in tenths] == ["0.0 s", "0.9 s", "19.9 s", "99.9 s", "01:40"]


def test_addresses_are_shortened_from_the_front() -> None:
    assert text.tail("127.0.0.1:51883", 15) == "127.0.0.1:51883"
    assert text.tail("127.0.0.1:51883", 7) == "…:51883"


def test_clocks() -> None:
    assert [text.clock(s * SECOND) for s in (0, 59, 60, 3599, 3600, -5)] == [
        "00:00", "00:59", "01:00", "59:59", "1:00:00", "00:00",
    ]  # fmt: skip
    assert text.stamp(61_042 * MS) == "01:01.042"


def test_sizes_and_counts() -> None:
    assert [text.size(n) for n in (None, 0, 999, 1000, 26_400_000, 10**13)] == [
        "-", "0 B", "999 B", "1.0 kB", "26 MB", "10.0 TB",
    ]  # fmt: skip
    assert [text.count(n) for n in (None, 0, 9999, 12_345, 12_345_678)] == ["-", "0", "9999", "12k", "12M"]
    assert [clients.count(n) for n in (0, 1, 2000)] == ["0 clients", "1 client", "2,000 clients"]


@given(st.integers(0, 10**14))
def test_sizes_and_counts_fit_their_columns(number: int) -> None:
    assert len(text.size(number)) <= 8


@given(st.integers(0, 10**9))
def test_counts_fit_their_columns(number: int) -> None:
    assert len(text.count(number)) <= 6


def test_payloads_are_printed_as_in_the_article() -> None:
    assert text.payload("hogehoge\n", 9) == r"b'hogehoge\n'"
    assert text.payload(preview(b"\x00\x1b[31m\xff"), 7) == r"b'\x00\x1b[31m\xff'"
    assert text.payload("x" * PREVIEW, 5000) == f"b'{'x' * PREVIEW}'... (5,000 bytes)"


@given(st.binary(max_size=PREVIEW))
def test_payload_is_printable_ascii(data: bytes) -> None:
    shown = text.payload(preview(data), len(data))
    words = text.letters(preview(data).encode("latin-1"))
    assert shown.isprintable()
    assert shown.removeprefix(f"{words} " if words else "").isascii()


def test_peers_on_this_machine_are_ports() -> None:
    assert text.peer("127.0.0.1:51883") == ":51883"
    assert text.peer("[::1]:51883") == ":51883"


def test_other_peers_keep_their_address_and_always_their_port() -> None:
    assert text.peer("192.0.2.7:80") == "192.0.2.7:80"
    assert text.tails("127.10.20.30:51883") == ("127.10.20.30:51883", "…30:51883", "…51883")
    assert set(text.tails(":51883")) == {":51883"}


@given(st.text())
def test_clean_text_is_printable(given_text: str) -> None:
    assert text.clean(given_text).isprintable()


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_clean_leaves_readable_text_alone(given_text: str) -> None:
    assert text.clean(given_text) == given_text


def test_clean_escapes_control_characters() -> None:
    assert text.clean("\x1b]0;gotcha\x07 \x9b31m\u202eabc\x00") == r"\x1b]0;gotcha\x07 \x9b31m\u202eabc\x00"
    assert text.clean("a\tb") == "a   b"
    assert text.clean("[/foo] x [$bar]") == "[/foo] x [$bar]"


@given(st.text())
def test_clean_leaves_no_control_characters(given_text: str) -> None:
    assert not {c for c in text.clean(given_text) if unicodedata.category(c)[0] == "C"}


def test_gauges_have_a_fixed_scale() -> None:
    assert [text.gauge(p) for p in (0, 0.4, 0.5, 50, 100, 400, -3)] == [" ", " ", "▁", "▄", "█", "█", " "]


@given(st.floats(0, 100), st.floats(0, 100))
def test_gauge_is_monotonic(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert text.BARS.index(text.gauge(low)) <= text.BARS.index(text.gauge(high))


def test_some_names_and_the_number_of_others() -> None:
    names = ["[1]", "[2]", "[10]", ":58412"]
    assert text.some(names, 19) == "[1] [2] [10] :58412"
    assert text.some(names, 15) == "[1] [2] [10] +1"
    assert text.some(names, 9) == "[1] +3"
    assert text.some(names, 2) == "+4"
    assert text.some([], 5) == ""


@given(st.lists(st.text("abc", min_size=1, max_size=6), max_size=30), st.integers(3, 80))
def test_no_name_is_lost_from_the_count(names: list[str], width: int) -> None:
    words = text.some(names, width).split()
    more = int(words.pop()) if words and words[-1].startswith("+") else 0
    assert words == names[: len(words)]
    assert len(words) + more == len(names)
    assert len(text.some(names, width)) <= width


@given(st.integers(0, 5000), st.integers(1, 5000), st.integers(1, 20))
def test_share_is_drawn_empty_or_full_only_if_it_is(part: int, whole: int, cells: int) -> None:
    shown = text.share(part, whole, cells)
    assert len(shown) == cells
    assert (shown == "░" * cells) == (part == 0)
    assert (shown == "█" * cells) == (part >= whole)


def test_one_of_128_is_the_thinnest_mark() -> None:
    assert text.share(1, 128, 8) == "▏░░░░░░░"


SLEEPS = threads.in_call("sleep", "3.5 s", "time.sleep")
RECEIVES = threads.in_call("recv-for", "", peers=text.tails(":53986"))
SENDS = threads.in_call("send-to", "13.8 s", peers=text.tails(":51262"))
FAR = threads.in_call("recv-for", "", peers=text.tails("127.10.20.30:53986"))


@pytest.mark.parametrize(
    ("doing", "width", "words"),
    [
        (SLEEPS, 27, "asleep 3.5 s in time.sleep"),
        (SLEEPS, 19, "3.5 s in time.sleep"),
        (SLEEPS, 17, "3.5 s time.sleep"),
        (SLEEPS, 15, "in time.sleep"),
        (RECEIVES, 20, "in recv for :53986"),
        (RECEIVES, 17, "waiting in recv"),
        (RECEIVES, 12, "in recv"),
        (FAR, 30, "waiting in recv for …30:53986"),
        (FAR, 20, "in recv for …53986"),
        (FAR, 16, "waiting in recv"),
        (SENDS, 27, "13.8 s in send to :51262"),
        (SENDS, 18, "in send to :51262"),
        (SENDS, 15, "13.8 s in send"),
        (threads.doing(Doing.GIL), 15, "for the GIL"),
        (threads.doing(Doing.COMPUTING), 15, "computing"),
    ],
)
def test_short_descriptions_of_threads(doing: tuple[str, ...], width: int, words: str) -> None:
    assert text.first_that_fits(doing, width) == words


def test_thread_name_keeps_its_number() -> None:
    session = Session()
    started = ServerStarted(0, "multithread", 1, "127.0.0.1", 1, ["accept"])
    announced = [WorkerStarted(0, 1, tid, name) for tid, name in ((1, "main"), (2, "worker 12"), (3, "event loop"))]
    news = [New(0, 1, 4, 1, "127.10.20.30:51883"), New(0, 1, 5, 2, "127.0.0.1:51883")]
    session.apply_all([started, *announced, *news])
    shown = [name_in_short(names_of(session, 1, tid), 8) for tid in range(1, 6)]
    assert shown == ["main", "…rker 12", "loop", "…51883", ":51883"]


def test_unknown_payload_is_shown_as_its_length() -> None:
    assert text.payload("", 1) == "1 byte"
    assert text.payload("", 4_800) == "4,800 bytes"
    assert text.payload("", 0) == "b''"
