"""Lists the members of tar and zip archives without unpacking them to disk."""

import calendar
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, cast

from openstack_rca.sources.account import Account, printable
from openstack_rca.sources.blobs import Blob, Cursor, MemoryBlob, Slice, Stream
from openstack_rca.sources.foreign import FOREIGN, reason_of
from openstack_rca.sources.limits import MIB, Limits

ZIP_MEMBER = b"PK\x03\x04"
"""How the header of a member begins."""


@dataclass(frozen=True)
class Entry:
    """A file or archive to be read, on disk or in an archive; `size` says how many bytes its blob has, 0 if unknown."""

    name: str
    blob: Blob
    size: int
    modified: float | None = None

    def held(self) -> "Entry":
        """Return the entry with its bytes in memory, or as it is when they break off or are more than `size`."""
        parts, left = [], self.size
        try:
            for block in self.blob.blocks(MIB):
                parts.append(block)
                left -= len(block)
                if left < 0:
                    return self
        except FOREIGN:
            return self  # reading meets the error again
        return replace(self, blob=MemoryBlob(b"".join(parts)))


def tar_entries(blob: Blob, name: str, account: Account) -> list[Entry]:
    """Return the regular files of a tar archive in the order in which they lie, names as they stand there.

    What is cut or damaged is counted under the archive's name, and the members before it stand.
    """
    entries = []
    for info in _tar_infos(blob, name, account):
        own = f"{name}/{printable(info.name)}"
        if info.isdir():
            continue
        if info.issym() or info.islnk():
            account.skip(own, f"link to {printable(info.linkname)}")
        elif info.issparse():
            account.skip(own, "sparse file")
        elif not info.isreg():
            account.skip(own, "device or pipe")
        else:
            entries.append(Entry(own, Slice(blob, info.offset_data, info.size), info.size, info.mtime))
    return entries


def _tar_infos(blob: Blob, name: str, account: Account) -> Iterator[tarfile.TarInfo]:
    try:
        tar = tarfile.open(fileobj=cast(IO[bytes], Cursor(blob)), mode="r:")  # noqa: SIM115 - it holds nothing to close
        while info := tar.next():
            yield info
        _check_rest(blob, tar.offset)
    except tarfile.ReadError as error:
        cut = "unexpected end" in str(error)
        account.skip(name, reason_of(EOFError() if cut else error))
    except FOREIGN as error:
        account.skip(name, reason_of(error))


def _check_rest(blob: Blob, position: int) -> None:
    """Read on behind the last member: raises EOFError without the end mark, ReadError when more than padding follows.

    A compressed archive that is cut behind its last member shows it here.
    """
    if not blob.read_at(position, 1):
        raise EOFError
    while block := blob.read_at(position, MIB):
        if block.strip(b"\0"):
            raise tarfile.ReadError(f"what follows byte {position} is no member and is lost")
        position += len(block)


def zip_entries(blob: Blob, name: str, account: Account, limits: Limits) -> list[Entry]:
    """Return the files of a zip archive in the order in which they lie, names as they stand there.

    Raises the error of the library when the archive has no readable directory.
    """
    archive = zipfile.ZipFile(cast(IO[bytes], Cursor(blob)))
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    if not infos and blob.head(4) == ZIP_MEMBER:
        raise zipfile.BadZipFile("its directory is empty")
    entries = []
    for info in infos:
        own = f"{name}/{printable(info.filename)}"
        if info.filename.endswith("/"):
            continue
        if stat.S_ISLNK(info.external_attr >> 16):
            account.skip(own, "link")
        elif info.flag_bits & 1:
            account.skip(own, "encrypted")
        elif info.file_size > max(limits.harmless, limits.ratio * info.compress_size):
            account.skip(own, f"it unpacks to more than {limits.ratio} times its size")
        else:
            content = _zip_content(archive, info, limits)
            entries.append(Entry(own, content, info.file_size, _seconds(info)))
    return entries


def _seconds(info: zipfile.ZipInfo) -> float | None:
    """Return the time of a member, taken as UTC, for zip archives know no zones; None when it is not a date."""
    try:
        return calendar.timegm((*info.date_time, 0, 0, 0))
    except ValueError:
        return None


def _zip_content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> Stream:
    def blocks(size: int) -> Iterator[bytes]:
        with archive.open(info) as member:
            while block := member.read(size):
                yield block

    return Stream(blocks, limits.window, limits.block)


def tidy(entries: list[Entry], archive: str, account: Account) -> list[Entry]:
    """Return entries under clean names: no hidden ones, none outside the archive, none twice (the last one stands)."""
    named: dict[str, Entry] = {}
    hidden = set()
    for entry in entries:
        inside = entry.name[len(archive) + 1 :]
        parts = [part for part in inside.split("/") if part not in ("", ".", "..")]
        name = "/".join([archive, *(parts or ["unnamed"])])
        if inside.startswith("/") or ".." in inside.split("/"):
            account.note(f"{entry.name} lies outside its archive by its name; it is read as {name}.")
        dotted = next((i for i, part in enumerate(parts) if part.startswith(".")), None)
        if dotted is not None:
            hidden.add("/".join([archive, *parts[: dotted + 1]]))
            continue
        if named.pop(name, None):
            account.skip(name, "replaced by a later member of the same name")
        named[name] = replace(entry, name=name)
    for name in sorted(hidden):
        account.skip(name, "hidden")
    return list(named.values())
