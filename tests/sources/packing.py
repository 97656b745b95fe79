import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import zstandard

from openstack_rca.contracts import RawFile
from openstack_rca.errors import InputError
from openstack_rca.sources import Limits, PathSource

COMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".bz2": lru_cache(8)(bz2.compress),  # it takes seconds for the larger samples
    ".xz": lambda data: lzma.compress(data, preset=0),
    ".zst": lambda data: zstandard.ZstdCompressor(write_content_size=False).compress(data),
}

LINE = b"2026-11-20 10:00:00.000 7 INFO nova.compute.manager [-] Updating instance info cache\n"

Members = Iterable[tuple[str, bytes]]


def tar(members: Members, form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_700_000_000
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zipped(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 20, 10, 0, 0)), data, method)
    return buffer.getvalue()


def zipped_in_a_pipe(members: Members) -> bytes:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, offset: int, whence: int = 0) -> int:
            raise OSError("a pipe")

        def tell(self) -> int:
            raise OSError("a pipe")

    buffer = Pipe()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def contents(source: PathSource) -> dict[str, bytes]:
    return {file.name: b"".join(file.chunks()) for file in source.files()}


def broken_off(file: RawFile) -> tuple[bytes, str]:
    found, chunks = [], file.chunks()
    while True:
        try:
            found.append(next(chunks))
        except StopIteration:
            return b"".join(found), ""
        except InputError as error:
            return b"".join(found), str(error)


def names(source: PathSource) -> list[str]:
    return [file.name for file in source.files()]


def reasons(source: PathSource) -> dict[str, str]:
    return {skipped.file: skipped.reason for skipped in source.skipped}


def one(folder: Path, name: str, data: bytes, limits: Limits | None = None) -> PathSource:
    return PathSource([write(folder, {name: data}) / name], limits)
