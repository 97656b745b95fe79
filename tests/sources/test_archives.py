import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.sources.packing import (
    COMPRESS,
    LINE,
    broken_off,
    contents,
    names,
    one,
    reasons,
    tar,
    write,
    zipped,
    zipped_in_a_pipe,
)

from openstack_rca.errors import NothingToRead
from openstack_rca.sources import Limits, PathSource

MEMBERS = [("sos/var/log/nova/nova-compute.log.1.gz", COMPRESS[".gz"](LINE * 9)), ("sos/var/log/syslog", LINE)]
INSIDE = {"sos/var/log/nova/nova-compute.log.1.gz": LINE * 9, "sos/var/log/syslog": LINE}


def below(name: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{name}/{member}": data for member, data in files.items()}


@pytest.mark.parametrize("suffix", ["", *COMPRESS])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar(tmp_path: Path, suffix: str, form: int) -> None:
    data = tar(MEMBERS, form)
    name = "sos.tar" + suffix
    assert contents(one(tmp_path, name, COMPRESS[suffix](data) if suffix else data)) == below(name, INSIDE)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip(tmp_path: Path, method: int) -> None:
    assert contents(one(tmp_path, "sos.zip", zipped(MEMBERS, method))) == below("sos.zip", INSIDE)


def test_a_tar_of_an_old_program_has_no_magic(tmp_path: Path) -> None:
    data = bytearray(tar([("a.log", LINE)], tarfile.USTAR_FORMAT))
    data[257:345] = bytes(88)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    assert contents(one(tmp_path, "old.tar", bytes(data))) == {"old.tar/a.log": LINE}


@pytest.mark.parametrize("limits", [Limits(), Limits(block=700, window=0), Limits(block=700, window=0, held=0)])
def test_archives_in_archives(tmp_path: Path, limits: Limits) -> None:
    inner = tar(MEMBERS)
    middle = zipped([("inner.tar.xz", COMPRESS[".xz"](inner)), ("middle.log", LINE * 2), ("inner.tar", inner)])
    outer = COMPRESS[".gz"](tar([("first.log", LINE * 3), ("d/middle.zip", middle), ("last.log", LINE * 4)]))
    assert contents(one(tmp_path, "outer.tgz", outer, limits)) == {
        **below("outer.tgz/d/middle.zip/inner.tar.xz", INSIDE),
        **below("outer.tgz/d/middle.zip/inner.tar", INSIDE),
        "outer.tgz/d/middle.zip/middle.log": LINE * 2,
        "outer.tgz/first.log": LINE * 3,
        "outer.tgz/last.log": LINE * 4,
    }


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = one(tmp_path, "a.tar.gz", COMPRESS[".gz"](tar([("x.zip", zipped(MEMBERS)), ("b.log", LINE)])))
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert len(contents(source)) == 3
    assert sorted(tmp_path.rglob("*")) == before


def test_names_that_lead_out_of_the_archive_are_made_harmless_and_noted(tmp_path: Path) -> None:
    members = [("/etc/passwd.log", LINE), ("../../x.log", LINE * 2), ("./a/./b.log", LINE * 3), ("a//c.log", LINE * 4)]
    source = one(tmp_path, "evil.tar", tar(members))
    found = contents(source)
    assert found == below(
        "evil.tar", {"etc/passwd.log": LINE, "x.log": LINE * 2, "a/b.log": LINE * 3, "a/c.log": LINE * 4}
    )
    assert sorted(source.notes) == [
        "evil.tar/../../x.log lies outside its archive by its name; it is read as evil.tar/x.log.",
        "evil.tar//etc/passwd.log lies outside its archive by its name; it is read as evil.tar/etc/passwd.log.",
    ]
    assert not source.skipped


def test_of_two_members_with_one_name_the_last_one_stands(tmp_path: Path) -> None:
    source = one(tmp_path, "a.tar", tar([("x.log", LINE), ("y.log", LINE), ("./x.log", LINE * 2)]))
    assert contents(source) == {"a.tar/x.log": LINE * 2, "a.tar/y.log": LINE}
    assert reasons(source) == {"a.tar/x.log": "replaced by a later member of the same name"}


def test_hidden_members_are_counted(tmp_path: Path) -> None:
    source = one(tmp_path, "a.zip", zipped([("x.log", LINE), (".git/a", LINE), (".git/b", LINE), ("d/._x.log", LINE)]))
    assert names(source) == ["a.zip/x.log"]
    assert reasons(source) == {"a.zip/.git": "hidden", "a.zip/d/._x.log": "hidden"}


def test_special_members_of_tar_are_counted(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("a.log")
        info.size = len(LINE)
        archive.addfile(info, io.BytesIO(LINE))
        for name, kind in [
            ("soft", tarfile.SYMTYPE),
            ("hard", tarfile.LNKTYPE),
            ("pipe", tarfile.FIFOTYPE),
            ("d", tarfile.DIRTYPE),
        ]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "a.log"
            archive.addfile(info)
    source = one(tmp_path, "a.tar", buffer.getvalue())
    assert contents(source) == {"a.tar/a.log": LINE}
    assert reasons(source) == {
        "a.tar/soft": "link to a.log",
        "a.tar/hard": "link to a.log",
        "a.tar/pipe": "device or pipe",
    }


def test_special_members_of_zip_are_counted(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("link.log")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "a.log")
        archive.writestr("a.log", LINE)
        archive.writestr("secret.log", LINE)
        archive.mkdir("folder")
    data = bytearray(buffer.getvalue())
    for place, magic in ((6, b"PK\x03\x04"), (8, b"PK\x01\x02")):
        start = data.rindex(
            magic, 0, data.rindex(b"secret.log") if magic == b"PK\x01\x02" else data.index(b"secret.log")
        )
        data[start + place] |= 1
    source = one(tmp_path, "a.zip", bytes(data))
    assert contents(source) == {"a.zip/a.log": LINE}
    assert reasons(source) == {"a.zip/link.log": "link", "a.zip/secret.log": "encrypted"}


def test_a_zip_without_sensible_dates_is_read(tmp_path: Path) -> None:
    data = bytearray(zipped([("a.log", LINE)]))
    start = data.index(b"PK\x01\x02")
    data[start + 12 : start + 16] = bytes(4)
    source = one(tmp_path, "a.zip", bytes(data))
    assert [(file.name, file.modified) for file in source.files()] == [("a.zip/a.log", None)]


@pytest.mark.parametrize("data", [tar([("./", b"")]), zipped([]), zipped([("d/", b"")])], ids=["tar", "zip", "folder"])
def test_an_archive_without_files_is_counted(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(NothingToRead, match="an archive without files"):
        names(one(tmp_path, "a.tar", data))


def test_a_zip_with_an_emptied_directory_gives_what_is_there(tmp_path: Path) -> None:
    data = bytearray(zipped(MEMBERS))
    data[-12:-6] = bytes(6)  # the size of the directory and half of its place
    source = one(tmp_path, "sos.zip", bytes(data))
    assert contents(source) == below("sos.zip", INSIDE)
    assert reasons(source) == {"sos.zip": "truncated or damaged (its directory is empty)"}


def nested(depth: int) -> bytes:
    data = LINE
    for level in range(depth):
        data = tar([(f"{level}.tar" if level else "a.log", data)])
    return data


def test_archives_may_be_nested_four_deep(tmp_path: Path) -> None:
    assert list(contents(one(tmp_path, "4.tar", nested(4))).values()) == [LINE]
    source = one(tmp_path, "5.tar", nested(5))
    with pytest.raises(NothingToRead, match=r"nested deeper than 4 archives"):
        names(source)


def test_compressions_may_be_nested_four_deep(tmp_path: Path) -> None:
    data = LINE
    for _ in range(5):
        data = COMPRESS[".gz"](data)
    with pytest.raises(NothingToRead, match=r"compressed more than 4 times"):
        names(one(tmp_path, "a.gz", data))


SMALL = Limits(harmless=100_000, block=1 << 14)


@pytest.mark.parametrize("suffix", [".bz2", ".xz", ".zst"])
def test_a_bomb_stops(tmp_path: Path, suffix: str) -> None:
    source = one(tmp_path, f"bomb{suffix}", COMPRESS[suffix](b"x" * 40_000_000), SMALL)
    given, error = broken_off(next(source.files()))
    assert error.endswith("unpacks to more than 1000 times its size.")
    assert len(given) < 20_000_000


def test_a_bomb_in_a_zip_is_counted_before_it_is_opened(tmp_path: Path) -> None:
    data = zipped([("ok.log", LINE), ("bomb.log", b"x" * 4_000_000)], zipfile.ZIP_BZIP2)
    source = one(tmp_path, "a.zip", data, SMALL)
    assert contents(source) == {"a.zip/ok.log": LINE}
    assert reasons(source) == {"a.zip/bomb.log": "it unpacks to more than 1000 times its size"}


def test_a_bomb_of_an_archive_is_counted(tmp_path: Path) -> None:
    data = COMPRESS[".xz"](tar([("a.log", LINE), ("bomb.log", b"x" * 40_000_000)]))
    source = one(tmp_path, "a.tar.xz", data, SMALL)
    assert "a.tar.xz/a.log" in names(source)
    assert reasons(source) == {"a.tar.xz": "it unpacks to more than 1000 times its size"}


def test_layers_that_are_harmless_one_by_one_are_a_bomb_together(tmp_path: Path) -> None:
    packed = COMPRESS[".xz"](b"x\n" * 150_000)
    data = COMPRESS[".xz"](tar([(f"{n}.xz", packed) for n in range(200)]))
    source = one(tmp_path, "a.tar.xz", data, Limits(harmless=1_000_000, ratio=2500))
    read = [broken_off(file) for file in source.files()]
    given, failures = sum(len(found) for found, _ in read), [error for _, error in read if error]
    assert given <= 2500 * len(data) < 200 * 300_000
    assert failures
    assert all("its archive unpacks to more than 2500 times its size" in failure for failure in failures)


def test_reading_a_file_twice_is_no_bomb(tmp_path: Path) -> None:
    source = one(tmp_path, "a.log.gz", COMPRESS[".gz"](LINE * 1000), Limits(harmless=len(LINE) * 1000))
    file = next(source.files())
    assert b"".join(file.chunks()) == b"".join(file.chunks())


@pytest.mark.parametrize("make", [zipped, zipped_in_a_pipe])
def test_a_cut_zip_gives_what_is_there(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    lines = b"".join(b"%d %s" % (n * n, LINE) for n in range(2000))
    data = make([("a.log", lines), ("d/b.log", LINE), ("c.log", lines)])
    source = one(tmp_path, "a.zip", data[: int(len(data) * 0.75)])
    files = {file.name: file for file in source.files()}
    assert list(files) == ["a.zip/a.log", "a.zip/c.log", "a.zip/d/b.log"]
    assert b"".join(files["a.zip/a.log"].chunks()) == lines
    assert b"".join(files["a.zip/d/b.log"].chunks()) == LINE
    found, error = broken_off(files["a.zip/c.log"])
    assert "truncated" in error
    assert len(found) > 10_000
    assert lines.startswith(found)
    assert reasons(source)["a.zip"].startswith("truncated or damaged")


def test_a_case_folder_and_an_archive_of_it_hold_the_same(tmp_path: Path) -> None:
    case = Path(__file__).parents[2] / "examples/incidents/memcached-down/logs"
    files = {path.name: path.read_bytes() for path in case.iterdir()}
    write(tmp_path, {"case.tar.xz": COMPRESS[".xz"](tar(files.items()))})
    plain = contents(PathSource([case]))
    assert len(plain) > 10
    assert contents(PathSource([tmp_path / "case.tar.xz"])) == below("case.tar.xz", plain)
