import gzip
import os
from pathlib import Path

import pytest
from tests.sources.packing import COMPRESS, LINE, broken_off, contents, names, one, reasons, tar, write, zipped

from openstack_rca.errors import InputError
from openstack_rca.sources import Limits, PathSource

LASTLOG = b"\x8e\x2c\x1f\x69" + b"pts/0".ljust(32, b"\0") + b"10.0.0.5".ljust(256, b"\0")
UMLAUTS = "2026-11-20 10:00:00.000 7 ERROR nova [-] Größe überschritten\n" * 400


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("size", [1, 8 << 10, 3_000_000])
def test_compressed_files(tmp_path: Path, suffix: str, size: int) -> None:
    data = (LINE * (size // len(LINE) + 1))[:size]
    assert contents(one(tmp_path, f"a.log{suffix}", COMPRESS[suffix](data))) == {f"a.log{suffix}": data}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_streams_behind_each_other_are_one_file(tmp_path: Path, suffix: str) -> None:
    pack = COMPRESS[suffix]
    data = pack(LINE * 3) + pack(LINE * 5)
    assert contents(one(tmp_path, "a.log" + suffix, data)) == {"a.log" + suffix: LINE * 8}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_random_data_survives_every_compression(tmp_path: Path, suffix: str) -> None:
    data = LINE * 500 + os.urandom(3_000_000).hex().encode() + LINE
    assert contents(one(tmp_path, "a", COMPRESS[suffix](data))) == {"a": data}


def test_the_content_decides_not_the_suffix(tmp_path: Path) -> None:
    pack = COMPRESS[".gz"]
    write(
        tmp_path, {"a.log": pack(LINE), "b.log.gz": LINE, "c.gz": COMPRESS[".xz"](LINE), "d.zip": LINE, "e.tar": LINE}
    )
    write(tmp_path, {"f.log": zipped([("g.log", LINE)]), "h.gz.gz": pack(pack(LINE)), "BZh.log": b"BZh is no bzip2\n"})
    found = contents(PathSource([tmp_path]))
    assert found.pop("BZh.log") == b"BZh is no bzip2\n"
    assert found == dict.fromkeys(["a.log", "b.log.gz", "c.gz", "d.zip", "e.tar", "f.log/g.log", "h.gz.gz"], LINE)


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-16", b""),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-32", b""),
        ("utf-8-sig", b""),
    ],
)
@pytest.mark.parametrize("block", [1 << 20, 1001])
def test_wide_text_becomes_utf8(tmp_path: Path, encoding: str, mark: bytes, block: int) -> None:
    source = one(tmp_path, "a.log.gz", COMPRESS[".gz"](mark + UMLAUTS.encode(encoding)), Limits(block=block))
    assert contents(source) == {"a.log.gz": UMLAUTS.encode()}


@pytest.mark.parametrize(
    "data",
    [
        UMLAUTS.encode("latin-1"),
        UMLAUTS.encode(),
        LINE + b"\0" * 30 + LINE * 20,
        b"\x1b[00;32m" + LINE + b"\x1b[00m\t\f\r\n",
        b"x" * 100_000,
        "日本語のログ\n".encode() * 100,
        bytes(5000) + LINE * 40,
        bytes(600_001) + LINE * 40,
        bytes(600_001) + LINE + bytes(5000),
        LINE * 5 + bytes(7000),
        LINE * 5 + bytes(600_000) + LINE,
        LINE * 5 + bytes(5000) + LINE * 5,
        b"\n",
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_text_passes_byte_by_byte(tmp_path: Path, data: bytes, suffix: str) -> None:
    packed = COMPRESS[suffix](data) if suffix else data
    assert contents(one(tmp_path, f"a.log{suffix}", packed)) == {f"a.log{suffix}": data}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"LPKSHHRH" + bytes(200), "binary (a binary journal; export it with `journalctl -o short-precise`)"),
        (b"SQLite format 3\0" + bytes(100), "binary (an SQLite database)"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "binary (a PNG image)"),
        (compile("x = 1", "x", "exec").co_code + bytes(40), "NUL bytes)"),
        (b"\xa7\x0d\x0d\x0a" + bytes(4) + b"\x01\x02" * 40, "binary (compiled Python)"),
        (bytes(range(1, 256)) * 40, "control bytes)"),
        (b"7z\xbc\xaf\x27\x1c" + LINE, "binary (a 7z archive, which is not supported)"),
        (os.urandom(10_000), "control bytes)"),
        (bytes(300_000), "binary (100% NUL bytes)"),
        (bytes(300_000) + os.urandom(10_000), "control bytes)"),
        (bytes(292_000) + LASTLOG + bytes(290 * 292) + LASTLOG, "NUL bytes)"),
        (LASTLOG + bytes(8 << 10), "NUL bytes)"),
        (bytes(32 << 10) + b"\x01CD001\x01" + bytes(1) + b" " * 2000, "binary (a CD image)"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_what_is_no_text_is_counted(tmp_path: Path, data: bytes, reason: str, suffix: str) -> None:
    write(tmp_path, {"a.log": LINE, f"b{suffix}": COMPRESS[suffix](data) if suffix else data})
    source = PathSource([tmp_path])
    assert names(source) == ["a.log"]
    assert reasons(source)[f"b{suffix}"].endswith(reason)


def test_blocks_are_bounded_even_without_any_line_end(tmp_path: Path) -> None:
    line = b"x" * 100_000_000
    write(tmp_path, {"plain.log": line, "packed.log.zst": COMPRESS[".zst"](line[:40_000_000])})
    for file in PathSource([tmp_path], Limits(block=100_000)).files():
        sizes = [len(block) for block in file.chunks()]
        assert max(sizes) <= 100_000
        assert sum(sizes) == (len(line) if file.name == "plain.log" else 40_000_000)


def test_a_growing_file_is_read_as_long_as_it_was(tmp_path: Path) -> None:
    source = one(tmp_path, "a.log", LINE * 2)
    file = next(source.files())
    with open(tmp_path / "a.log", "ab") as writer:
        writer.write(LINE * 5)
    assert b"".join(file.chunks()) == LINE * 2


def test_a_file_that_shrinks_says_so(tmp_path: Path) -> None:
    source = one(tmp_path, "a.log", LINE * 2)
    file = next(source.files())
    (tmp_path / "a.log").write_bytes(LINE)
    assert broken_off(file) == (LINE, "a.log cannot be read to its end: truncated (its content ends early).")


def test_a_file_that_was_rotated_away_is_not_mixed_up(tmp_path: Path) -> None:
    source = one(tmp_path, "a.log", LINE * 2)
    file = next(source.files())
    (tmp_path / "a.log").rename(tmp_path / "a.log.1")
    (tmp_path / "a.log").write_bytes(b"other" * 100)
    with pytest.raises(InputError, match="another file took its place"):
        list(file.chunks())


def test_a_file_can_be_read_again_and_in_any_order(tmp_path: Path) -> None:
    members = [(f"{n}.log", bytes([48 + n]) * 4000) for n in range(5)]
    limits = Limits(block=1000, window=0)
    source = one(tmp_path, "a.tar.gz", COMPRESS[".gz"](tar(members)), limits)
    files = list(source.files())
    for file in [*reversed(files), files[2], *files]:
        name = file.name.removeprefix("a.tar.gz/")
        assert b"".join(file.chunks()) == dict(members)[name]


def test_files_of_an_archive_can_be_read_in_turns(tmp_path: Path) -> None:
    members = [("a.log", b"a" * 4000), ("b.log", b"b" * 4000)]
    source = one(tmp_path, "a.tar.gz", COMPRESS[".gz"](tar(members)), Limits(block=1000, window=0))
    found = list(zip(*(file.chunks() for file in source.files()), strict=True))
    assert b"".join(a for a, _ in found) == b"a" * 4000
    assert b"".join(b for _, b in found) == b"b" * 4000


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    pack = COMPRESS[".gz"]
    write(tmp_path, {f"{n}.log.gz": pack(LINE) for n in range(20)} | {"x.tar.gz": pack(tar([("a.log", LINE)]))})
    before = len(os.listdir("/proc/self/fd"))
    files = list(PathSource([tmp_path]).files())
    assert len(os.listdir("/proc/self/fd")) == before
    for file in files:
        next(file.chunks())
    assert len(os.listdir("/proc/self/fd")) == before


def test_times_of_change(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"a.log": LINE, "b.log.gz": gzip.compress(LINE, mtime=1_500_000_000), "c.log.gz": COMPRESS[".gz"](LINE)},
    )
    write(tmp_path, {"d.tar": tar([("x", LINE)]), "e.zip": zipped([("x", LINE)])})
    for name in ("a.log", "b.log.gz", "c.log.gz"):
        os.utime(tmp_path / name, (1_600_000_000, 1_600_000_000))
    assert {file.name: file.modified for file in PathSource([tmp_path]).files()} == {
        "a.log": 1_600_000_000,
        "b.log.gz": 1_500_000_000,
        "c.log.gz": 1_600_000_000,
        "d.tar/x": 1_700_000_000,
        "e.zip/x": 1_795_168_800,
    }
