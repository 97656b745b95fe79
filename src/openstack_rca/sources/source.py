"""The source that reads files, folders, globs and archives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from openstack_rca.contracts import RawFile
from openstack_rca.errors import NothingToRead
from openstack_rca.records import Skipped
from openstack_rca.sources.account import Account
from openstack_rca.sources.archives import Entry
from openstack_rca.sources.blobs import DiskBlob
from openstack_rca.sources.expansion import Origin, text_files
from openstack_rca.sources.foreign import FOREIGN, reason_of
from openstack_rca.sources.limits import Limits
from openstack_rca.sources.paths import find
from openstack_rca.sources.rotation import in_rotation_order


@dataclass(frozen=True)
class _Found:
    name: str
    path: Path


class PathSource:
    """The log files at the given paths: files, folders, globs, compressed or not, and what lies in archives."""

    def __init__(self, paths: Sequence[Path | str], limits: Limits | None = None) -> None:
        self._paths = tuple(paths)
        self._limits = limits or Limits()
        self._account = Account()

    @property
    def skipped(self) -> Sequence[Skipped]:
        """What the last iteration left out so far, and why; what breaks off within a file is told by its chunks()."""
        return tuple(self._account.skipped)

    @property
    def notes(self) -> Sequence[str]:
        """Sentences about members that are read under another name than they have in their archive."""
        return tuple(self._account.notes)

    def files(self) -> Iterator[RawFile]:
        """Yield the log files by folder and name, rotated ones oldest first, archives member by member.

        Reading each file before the next is asked for is fastest, but not needed. Raises InputError when a path does
        not exist, and NothingToRead at the end when there was no log file at all.
        """
        self._account = Account()
        any_file = False
        found = find(self._paths, self._account)
        for file in in_rotation_order(_Found(name, path) for name, path in found.items()):
            for text in self._read(file):
                any_file = True
                yield text
        if not any_file:
            raise NothingToRead(self._nothing())

    def _read(self, file: _Found) -> Iterator[RawFile]:
        try:
            disk = DiskBlob(file.path)
        except FOREIGN as error:
            self._account.skip(file.name, reason_of(error))
            return
        try:
            entry = Entry(file.name, disk, disk.end(), disk.modified)
            yield from text_files(entry, Origin(disk, self._limits), self._account)
        finally:
            disk.close()

    def _nothing(self) -> str:
        where = ", ".join(str(path) for path in self._paths) or "no path"
        if not self._account.skipped:
            return f"There is no file in {where}."
        first = self._account.skipped[0]
        left = len(self._account.skipped) - 1
        more = f", and {left} more" if left else ""
        return f"There is no log file in {where}: left out were {first.file} ({first.reason}){more}."
