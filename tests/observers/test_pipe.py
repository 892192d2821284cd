"""Pipes are read in complete lines without waiting, and no writer can exhaust memory or raise an error."""

import os
from collections.abc import Iterator

import pytest
from echo_servers.records import Bye, Note
from echo_tui.model.observations import ENCODER, Garbled, Observation
from echo_tui.observers.pipe import LONGEST, RECORD, LinePipe, decode, make_pipe
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def ends() -> Iterator[tuple[LinePipe, int]]:
    read_end, write_end = make_pipe()
    pipe = LinePipe(read_end)
    yield pipe, write_end
    pipe.close()
    if os.path.exists(f"/dev/fd/{write_end}"):
        os.close(write_end)


def test_lines_are_complete_and_reading_does_not_wait(ends: tuple[LinePipe, int]) -> None:
    pipe, write_end = ends
    assert pipe.read() == b""
    os.write(write_end, b"one\ntw")
    assert pipe.read() == b"one\n"
    assert pipe.read() == b""
    os.write(write_end, b"o\nthree")
    assert pipe.read() == b"two\n"
    os.close(write_end)
    assert pipe.read() == b"three", "an incomplete last line is returned at the end"
    assert pipe.ended
    assert pipe.read() == b""
    pipe.close()


def test_last_line_and_end_are_read_together(ends: tuple[LinePipe, int]) -> None:
    pipe, write_end = ends
    os.write(write_end, b"Aborted")
    os.close(write_end)
    assert pipe.read() == b"Aborted"


def test_endless_line_is_cut_and_not_kept(ends: tuple[LinePipe, int]) -> None:
    pipe, write_end = ends
    os.set_blocking(write_end, False)
    taken = 0
    for _ in range(100):
        while True:
            try:
                os.write(write_end, b"x" * 4096)
            except BlockingIOError:
                break
        lines = pipe.read()
        assert len(lines) <= 2 * LONGEST + 1
        taken += len(lines)
    os.write(write_end, b"\n")
    while lines := pipe.read():
        last = lines
    assert taken > 0
    assert last.endswith(b"\n")
    os.write(write_end, b"after\n")
    assert pipe.read() == b"after\n"


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(1, 60)))
def test_chunking_does_not_change_the_lines(lines: list[bytes], sizes: list[int]) -> None:
    data = b"\n".join(lines)
    read_end, write_end = make_pipe()
    pipe = LinePipe(read_end)
    taken, rest = b"", data
    for size in sizes:
        os.write(write_end, rest[:size])
        rest = rest[size:]
        found = pipe.read()
        assert not found or found.endswith(b"\n")
        taken += found
    os.write(write_end, rest)
    os.close(write_end)
    while not pipe.ended:
        taken += pipe.read()
    assert taken == data


def test_garbage_is_counted_and_loses_no_record() -> None:
    bye, note = Bye(1, 2, 3, 4), Note(5, 6, 7, "übrigens")
    deep = b'{"type":"bye","x":' + b"[" * 100_000
    garbage = [b"\xff\x00\xfe", b"{}", b'{"type":"new"}', b'{"type":"bye","at":"x"}', b"null", deep, b'{"type":"no"}']
    found = decode(b"\n".join([ENCODER.encode(bye), *garbage, ENCODER.encode(note), b""]))
    assert found[:2] == [bye, note]
    (garbled,) = found[2:]
    assert isinstance(garbled, Garbled)
    assert garbled.lines == len(garbage)
    assert decode(b"") == []


@given(st.lists(st.one_of(st.binary(), st.just(ENCODER.encode(Bye(1, 2, 3, 4)))), max_size=8))
def test_no_bytes_raise_an_error(lines: list[bytes]) -> None:
    whole: Observation = Bye(1, 2, 3, 4)
    found = decode(b"\n".join(lines) + b"\n")
    pieces = b"\n".join(lines).splitlines()
    assert found.count(whole) == pieces.count(ENCODER.encode(whole))


def test_too_long_record_is_garbage() -> None:
    """Even if it arrives complete: a log keeps thousands of records, and a pipe may hold one of a megabyte."""
    short, long = Note(1, 2, 3, "x"), Note(1, 2, 3, "x" * RECORD)
    found = decode(ENCODER.encode_lines([short, long, short]), RECORD)
    assert found[:2] == [short, short]
    assert [o.lines for o in found[2:] if isinstance(o, Garbled)] == [1]
    assert decode(ENCODER.encode_lines([short] * 100), RECORD) == [short] * 100
