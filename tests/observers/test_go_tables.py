"""The tables of a Go program, built by the test: no Go toolchain is needed."""

import os
import struct
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from echo_tui.diagnosis.stall import is_own
from echo_tui.model.evidence import Frame
from echo_tui.observers import go_stacks
from echo_tui.observers.foreign_stacks import decoded
from echo_tui.observers.go_tables import (
    FUNCTION,
    GO118,
    GO120,
    HEADER,
    SECTION,
    WRONG,
    Call,
    ElfFile,
    Lines,
    NotGo,
    RuntimeLayout,
    is_go,
    named,
    root_of,
    waits,
)

TEXT = 0x401000


def varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found, number = found + bytes([number & 127 | 128]), number >> 7
    return found + bytes([number])


def values(*pairs: tuple[int, int]) -> bytes:
    """Return a table of values, each with the offset from the function's start at which it ends."""
    steps = pairwise([(-1, 0), *pairs])
    zigzag = b""
    for (before, begin), (value, end) in steps:
        difference = value - before
        zigzag += varint(difference << 1 if difference >= 0 else (-difference << 1) - 1) + varint(end - begin)
    return zigzag + b"\0"


def table(magic: int, name: bytes = b"main.serve") -> bytes:
    """Return a pclntab with two functions; bytes 8 to 16 of the second are the inlined `main.answer`."""
    names = b"main.first\0" + name + b"\0main.answer\0"
    units, files = struct.pack("<II", 0, 9), b"/src/a.go\0"[1:] + b"/src/b.go\0"
    tables = b"\0"
    places = []
    for one in (
        values((0, 4), (40, 64)), values((0, 8), (1, 16), (0, 64)), values((7, 8), (31, 16), (9, 64)),
        values((-1, 8), (0, 16), (-1, 64)),
    ):  # fmt: skip
        places.append(len(tables))
        tables += one
    frame, file, line, inlined = places
    tail = b"\0\0\0\4" if magic == GO118 else b"\0\0\0\0\0\0\0\4"
    functions = [
        FUNCTION.pack(0, 0, 0, 0, frame, file, line, 0, 0) + tail[:-1] + b"\0",
        FUNCTION.pack(64, 11, 0, 0, frame, file, line, 3, 0) + tail
        + struct.pack("<7I", 0, 0, inlined, *[0xFFFFFFFF] * 3, 0),
    ]  # fmt: skip
    first = 8 * 2 + 4
    index = struct.pack("<5I", 0, first, 64, first + len(functions[0]), 128)
    parts = [names, units, files, tables, index + b"".join(functions)]
    begins = [HEADER.size]
    for part in parts[:-1]:
        begins.append(begins[-1] + len(part))
    return HEADER.pack(magic, 0, 0, 1, 8, 2, 2, 0, *begins) + b"".join(parts)


def inline_tree(magic: int, name: int) -> bytes:
    return struct.pack("<12xii", name, 4) if magic == GO118 else struct.pack("<4xii4x", name, 4)


@pytest.mark.parametrize("magic", [GO118, GO120])
def test_address_has_function_file_and_line(magic: int) -> None:
    tree = inline_tree(magic, 22)
    lines = Lines(table(magic), TEXT, lambda place, size: tree[place : place + size])
    assert lines.calls(TEXT + 3) == (Call("main.first", "src/a.go", 7),)
    assert lines.calls(TEXT + 64 + 10) == (Call("main.answer", "/src/b.go", 31), Call("main.serve", "src/a.go", 7))
    assert lines.calls(TEXT + 64 + 20) == (Call("main.serve", "src/a.go", 9),)
    assert [lines.frame(TEXT + 64 + at) for at in (0, 4, 63)] == [0, 40, 40]
    for outside in (TEXT - 1, TEXT + 128, 0, 1 << 60):
        with pytest.raises(ValueError, match="no function"):
            lines.calls(outside)


@pytest.mark.parametrize("seed", range(4))
def test_corrupt_table_raises(seed: int) -> None:
    """Each byte in turn is changed; names never contain control characters."""
    right = table(GO120, b"main.\x1b[2Jx")
    tree = inline_tree(GO120, 0)
    for place in range(len(right)):
        wrong = bytearray(right)
        wrong[place] = (wrong[place] + (1, 127, 128, 255)[seed]) % 256
        try:
            lines = Lines(bytes(wrong), TEXT, lambda at, size: tree[at : at + size])
            found = [call for at in range(0, 128, 5) for call in lines.calls(TEXT + at)]
        except WRONG:
            continue
        assert all(call.function.isprintable() and call.file.isprintable() for call in found)
    for size in range(len(right)):
        with pytest.raises(WRONG):
            list(map(Lines(right[:size], TEXT, lambda at, size: b"").calls, (TEXT, TEXT + 74)))


def test_own_files_of_a_program() -> None:
    root = root_of([Call("main.main", "/src/main.go", 1), Call("runtime.gopark", "/opt/go/src/runtime/proc.go", 1)])
    assert root == "/opt/go/src/"
    own, library = ("/src/main.go", "main.go", "./main.go", "shop/cart.go"), ("/opt/go/src/net/net.go",)
    cached = ("/root/go/pkg/mod/github.com/a/b@v1.2.3/c.go",)
    trimmed = ("net/http/server.go", "github.com/a/b@v1.2.3/c.go", "")
    for file in (*own, *library, *cached):
        assert is_own(Frame(named(Call("a.b", file, 1), root), 1, "a.b")) == (file in own), file
    for file in (*own, *trimmed, *cached):
        assert is_own(Frame(named(Call("a.b", file, 1), ""), 1, "a.b")) == (file in own), file
    assert named(Call("main.serve", "net/server.go", 1), "") == "net/server.go", "a directory of the program"


def test_reason_why_a_goroutine_is_parked() -> None:
    def why(*functions: str) -> tuple[str, bool]:
        return waits([Call(function, "", 0) for function in functions])

    assert why("runtime.gopark", "time.Sleep", "main.main") == ("sleep", False)
    assert why("internal/poll.runtime_pollWait", "internal/poll.(*FD).Accept") == ("io-wait", True)
    assert why("internal/poll.runtime_pollWait", "internal/poll.(*FD).Write") == ("io-wait", False)
    assert why("runtime.semacquire1", "internal/sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock")[0] == "sync.Mutex.Lock"
    assert why("runtime.gopark") == ("waits", False)


def test_layouts_by_version() -> None:
    assert [RuntimeLayout.of(minor).number for minor in (18, 22, 23, 24, 25, 27)] == [19, 19, 20, 20, 19, 19]
    with pytest.raises(NotGo):
        RuntimeLayout.of(17)


def elf(*names: str, machine: int = 62) -> bytes:
    text = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    head = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01", 2, machine, 1, 0, 64, 64, 0, 64, 56, 0, 64, len(names), 0
    )
    sections = [
        SECTION.pack(text.find(n.encode()), 1, 0, 0, 64 + 64 * len(names), len(text), 0, 0, 0, 0) for n in names
    ]
    return head + b"".join(sections) + text


def test_go_program_is_recognised_by_its_sections() -> None:
    data = elf(".shstrtab", ".gopclntab", ".go.buildinfo")
    program = ElfFile(lambda offset, size: data[offset : offset + size])
    assert set(program.sections) == {".shstrtab", ".gopclntab", ".go.buildinfo"}
    for wrong in (b"", b"#!/bin/sh", elf(".shstrtab")):
        with pytest.raises(WRONG):
            assert ElfFile(lambda offset, size, wrong=wrong: wrong[offset : offset + size]).table  # type: ignore[misc]
    for size in range(len(data) - len(".go.buildinfo")):
        with pytest.raises(WRONG):
            print(ElfFile(lambda offset, size, end=size: data[:end][offset : offset + size]).minor)  # type: ignore[misc]
    if sys.platform == "linux":
        assert not is_go(os.getpid())
    assert not is_go(0)


def test_version_is_parsed() -> None:
    def minor(text: bytes) -> int:
        info = b"\xff Go buildinf:\x08\x02".ljust(32, b"\0") + bytes([len(text)]) + text
        program = ElfFile.__new__(ElfFile)
        program.sections = {".go.buildinfo": (0, 0, 0, 0, 0, len(info), 0, 0, 0, 0)}
        program._read = lambda offset, size: info[offset : offset + size]
        return program.minor

    assert (minor(b"go1.27.3"), minor(b"go1.19")) == (27, 19)
    for other in (b"devel", b"", b"go2.0"):
        with pytest.raises(NotGo):
            minor(other)


def test_readers_output_becomes_goroutines() -> None:
    data = b'{"paused": 0, "threads": [{"os_thread_id": 0, "goroutine": 7, "waits": "io-wait", "sockets": [1, 2, 3],'
    data += b'"polls": 2, "reads": true, "frames": [{"name": "main.f", "filename": "/a.go", "line": 3}]}]}'
    (found,) = decoded("go", data, {1: "127.0.0.1:1", 2: "listener"}.get).goroutines  # type: ignore[arg-type]
    assert (found.number, found.tid, found.refers_to, found.polls) == (7, 0, ("127.0.0.1:1", "listener"), "listener")
    assert found.frames == (Frame("/a.go", 3, "main.f"),)
    assert decoded("go", data).goroutines[0].polls == "?"


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_other_program_has_no_goroutines() -> None:
    with pytest.raises(WRONG):
        go_stacks.goroutines(os.getpid())
    assert Path(f"/proc/{os.getpid()}/exe").exists()
