import gzip
import inspect
import lzma
import struct
import tarfile
import types
import zipfile
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sources.packing import COMPRESS, LINE, broken_off, contents, one, reasons, tar, zipped

from openstack_rca.errors import InputError, NothingToRead
from openstack_rca.sources import PathSource
from openstack_rca.sources.foreign import FOREIGN, translated

LINES = b"".join(b"%d %s" % (n * n * 7919, LINE) for n in range(25_000))


def raised_by(module: types.ModuleType) -> set[type[Exception]]:
    return {
        value
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Exception) and value.__module__ not in ("warnings", "builtins")
    }


@pytest.mark.parametrize("module", [gzip, lzma, zlib, tarfile, zipfile, zstandard, struct], ids=lambda m: m.__name__)
def test_no_error_of_a_library_is_forgotten(module: types.ModuleType) -> None:
    assert raised_by(module)
    assert [error for error in raised_by(module) if not issubclass(error, FOREIGN)] == []


@pytest.mark.parametrize("error", FOREIGN)
def test_every_foreign_error_is_translated(error: type[Exception]) -> None:
    with pytest.raises(InputError, match=r"^nova\.log cannot be read to its end: .*\.$"), translated("nova.log"):
        raise error("broken")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EOFError("Compressed file ended"), "truncated (its content ends early)"),
        (PermissionError(13, "Permission denied"), "unreadable (Permission denied)"),
        (OSError("Invalid data stream"), "damaged (Invalid data stream)"),
        (gzip.BadGzipFile("CRC check failed"), "damaged (CRC check failed)"),
        (RuntimeError("File is encrypted, password required"), "damaged (File is encrypted, password required)"),
        (NotImplementedError("That compression method is not supported"), "damaged (That compression method"),
        (UnicodeDecodeError("ascii", b"\xff", 0, 1, "out of range"), "damaged ('ascii'"),
        (OverflowError(), "damaged (OverflowError)"),
    ],
)
def test_errors_become_sentences(error: Exception, reason: str) -> None:
    with pytest.raises(InputError) as caught, translated("a.log"):
        raise error
    assert str(caught.value).startswith(f"a.log cannot be read to its end: {reason}")
    assert caught.value.__cause__ is error


def test_our_own_mistakes_are_not_hidden() -> None:
    for error in (TypeError, AttributeError, KeyError, MemoryError):
        assert not issubclass(error, FOREIGN)


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("share", [0.4, 0.9, 0.9999])
def test_a_cut_file_gives_what_is_there(tmp_path: Path, suffix: str, share: float) -> None:
    data = COMPRESS[suffix](LINES)
    file = next(one(tmp_path, f"a.log{suffix}", data[: int(len(data) * share)]).files())
    found, error = broken_off(file)
    assert LINES.startswith(found)
    assert error == f"a.log{suffix} cannot be read to its end: truncated (its content ends early)."
    assert len(found) > len(LINES) * (share - 0.5)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_damaged_file_says_so(tmp_path: Path, suffix: str) -> None:
    data = bytearray(COMPRESS[suffix](LINES))
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    found, error = broken_off(next(one(tmp_path, "a.log", bytes(data)).files()))
    assert LINES[: len(found) // 2].startswith(found[: len(found) // 2])
    assert error.startswith("a.log cannot be read to its end: damaged (")


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_file_without_anything_behind_its_magic_is_counted(tmp_path: Path, suffix: str) -> None:
    source = one(tmp_path, "a.log", COMPRESS[suffix](LINES)[:10])
    with pytest.raises(NothingToRead, match="truncated"):
        contents(source)


@pytest.mark.parametrize("suffix", ["", *COMPRESS])
@pytest.mark.parametrize("window", [0, 1 << 26])
def test_a_cut_tar_gives_what_is_there(tmp_path: Path, suffix: str, window: int) -> None:
    data = tar([("a.log", LINES), ("b.log", LINES[::-1]), ("c.log", LINES)])
    packed = COMPRESS[suffix](data) if suffix else data
    source = one(tmp_path, "a.tar" + suffix, packed[: int(len(packed) * 0.5)])
    read = {file.name.rpartition("/")[2]: broken_off(file) for file in source.files()}
    assert "truncated" in reasons(source)["a.tar" + suffix]
    assert read["a.log"] == (LINES, "")
    found, error = read["b.log"]
    assert LINES[::-1].startswith(found)
    assert found
    assert "truncated" in error


def test_a_tar_that_is_cut_between_two_members_is_counted(tmp_path: Path) -> None:
    data = tar([("a.log", LINE), ("b.log", LINE)], tarfile.USTAR_FORMAT)
    source = one(tmp_path, "a.tar", data[:1024])
    assert contents(source) == {"a.tar/a.log": LINE}
    assert reasons(source) == {"a.tar": "truncated (its content ends early)"}


def test_a_tar_that_is_damaged_between_two_members_is_counted(tmp_path: Path) -> None:
    data = bytearray(tar([("a.log", LINE), ("b.log", LINE)], tarfile.USTAR_FORMAT))
    data[1024:1100] = b"x" * 76
    source = one(tmp_path, "a.tar", bytes(data))
    assert contents(source) == {"a.tar/a.log": LINE}
    assert reasons(source) == {"a.tar": "damaged (what follows byte 1024 is no member and is lost)"}


def test_a_second_tar_behind_the_first_is_counted(tmp_path: Path) -> None:
    data = tar([("a.log", LINE)])
    source = one(tmp_path, "a.tar.gz", COMPRESS[".gz"](data + data))
    assert contents(source) == {"a.tar.gz/a.log": LINE}
    assert reasons(source) == {"a.tar.gz": "damaged (what follows byte 1024 is no member and is lost)"}


def test_a_compressed_tar_that_is_cut_behind_its_last_member_is_counted(tmp_path: Path) -> None:
    source = one(tmp_path, "a.tar.gz", COMPRESS[".gz"](tar([("a.log", LINES)]))[:-5])
    assert contents(source) == {"a.tar.gz/a.log": LINES}
    assert reasons(source) == {"a.tar.gz": "truncated (its content ends early)"}


def test_a_damaged_member_of_a_zip_says_so(tmp_path: Path) -> None:
    data = bytearray(zipped([("a.log", LINES), ("b.log", LINE)], zipfile.ZIP_STORED))
    data[1000] ^= 1
    source = one(tmp_path, "a.zip", bytes(data))
    read = {file.name: broken_off(file) for file in source.files()}
    assert "damaged (Bad CRC-32 for file 'a.log')" in read["a.zip/a.log"][1]
    assert read["a.zip/b.log"] == (LINE, "")


def test_garbage_behind_a_gzip_file_says_so(tmp_path: Path) -> None:
    found, error = broken_off(next(one(tmp_path, "a.gz", COMPRESS[".gz"](LINE) + b"garbage").files()))
    assert found == LINE
    assert "damaged" in error


def test_padding_behind_a_gzip_file_is_fine(tmp_path: Path) -> None:
    assert contents(one(tmp_path, "a.gz", COMPRESS[".gz"](LINE) + bytes(5000))) == {"a.gz": LINE}


SAMPLES = [
    *(pack(LINE * 30) for pack in COMPRESS.values()),
    tar([("a.log", LINE), ("x" * 150 + ".log", LINE * 2)], tarfile.GNU_FORMAT),
    tar([("a.log", LINE), ("x" * 150 + ".log", LINE * 2)], tarfile.PAX_FORMAT),
    zipped([("a.log", LINE * 9), ("b.log.gz", COMPRESS[".gz"](LINE))]),
    COMPRESS[".xz"](tar([("z.zip", zipped([("a.log", LINE * 9)])), ("a.log.1.gz", COMPRESS[".gz"](LINE))])),
]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_broken_ends_in_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    sample = bytearray(data.draw(st.sampled_from(SAMPLES)))
    for place in data.draw(st.lists(st.integers(0, len(sample) - 1), max_size=4)):
        sample[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(1, len(sample)))
    (tmp_path / "sample").write_bytes(sample[:cut])
    source = PathSource([tmp_path / "sample"])
    try:
        sentences = [broken_off(file)[1] for file in source.files()]
    except NothingToRead as nothing:
        sentences = [str(nothing) if source.skipped else "silent"]
    assert all(sentence == "" or sentence.endswith(".") for sentence in sentences)
