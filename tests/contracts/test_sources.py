"""Laws that every source of log files keeps."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from openstack_rca.contracts import LogSource
from openstack_rca.errors import InputError
from openstack_rca.records import Skipped
from openstack_rca.sources import PathSource
from openstack_rca.sources.fakes import FakeSource, MemoryFile

FILES = {
    "nova/nova-api.log.2": b"oldest\n",
    "nova/nova-api.log.1": b"older\n",
    "nova/nova-api.log": b"newest\n" * 40_000,
    "rabbit@c.log": b"one line without its end",
}
Make = Callable[[Path], LogSource]


def folder(path: Path) -> LogSource:
    for name, data in FILES.items():
        (path / name).parent.mkdir(exist_ok=True, parents=True)
        (path / name).write_bytes(data)
    (path / "core").write_bytes(bytes(range(256)) * 100)
    return PathSource([path])


def tarball(path: Path) -> LogSource:
    with tarfile.open(path / "sos.tar.xz", "w:xz") as archive:
        for name, data in {**FILES, "core": bytes(range(256)) * 100}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return PathSource([path / "sos.tar.xz"])


def zipped(path: Path) -> LogSource:
    with zipfile.ZipFile(path / "logs.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**FILES, "core": bytes(range(256)) * 100}.items():
            archive.writestr(name, data)
    return PathSource([path / "logs.zip"])


def compressed(path: Path) -> LogSource:
    (path / "nova").mkdir()
    for name, data in FILES.items():
        (path / f"{name}.gz").write_bytes(gzip.compress(data))
    (path / "core.gz").write_bytes(gzip.compress(bytes(range(256)) * 100))
    return PathSource([path])


def memory(path: Path) -> LogSource:
    return FakeSource([MemoryFile(n, d, block=1000) for n, d in FILES.items()], [Skipped("core", "binary")])


@pytest.fixture(params=[folder, tarball, zipped, compressed, memory], ids=lambda make: make.__name__)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> LogSource:
    made: LogSource = request.param(tmp_path)
    return made


def plain(name: str) -> str:
    return name.split(".tar.xz/")[-1].split(".zip/")[-1].removesuffix(".gz")


def test_files_give_their_whole_uncompressed_content_by_a_name_of_their_own(source: LogSource) -> None:
    found = {f.name: b"".join(f.chunks()) for f in source.files()}
    assert {plain(name): data for name, data in found.items()} == FILES
    assert len(found) == len(FILES)


def test_rotated_files_come_oldest_first(source: LogSource) -> None:
    names = [plain(f.name) for f in source.files()]
    assert [n for n in names if "nova-api" in n] == ["nova/nova-api.log.2", "nova/nova-api.log.1", "nova/nova-api.log"]


def test_a_file_can_be_read_again_while_it_is_at_hand(source: LogSource) -> None:
    for file in source.files():
        assert b"".join(file.chunks()) == b"".join(file.chunks())


def test_what_is_left_out_is_accounted_for_with_a_reason(source: LogSource) -> None:
    assert list(source.files())
    (skipped,) = source.skipped
    assert plain(skipped.file).endswith("core")
    assert skipped.reason


def test_blocks_are_bounded(source: LogSource) -> None:
    assert max(len(chunk) for f in source.files() for chunk in f.chunks()) <= 4 << 20


def test_names_stay_below_what_was_given(source: LogSource) -> None:
    assert all(not f.name.startswith("/") and ".." not in f.name for f in source.files())


def cut_gzip(path: Path) -> LogSource:
    data = gzip.compress("".join(f"{n * 7919 % 10007}\n" for n in range(10000)).encode())
    (path / "nova-api.log.gz").write_bytes(data[: len(data) // 2])
    return PathSource([path])


def broken_memory(path: Path) -> LogSource:
    return FakeSource([MemoryFile("nova-api.log", b"0\n7919\n", broken="The file ends early.")])


@pytest.mark.parametrize("make", [cut_gzip, broken_memory])
def test_what_breaks_off_gives_what_came_before(make: Make, tmp_path: Path) -> None:
    (file,) = make(tmp_path).files()
    got = b""

    def read() -> None:
        nonlocal got
        for chunk in file.chunks():
            got += chunk

    with pytest.raises(InputError):
        read()
    assert got.startswith(b"0\n7919\n")
