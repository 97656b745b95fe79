"""Turns an entry into the log files in it: itself, or the members of the archive that it is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from zipfile import BadZipFile

from openstack_rca.sources.account import Account
from openstack_rca.sources.archives import Entry, tar_entries, tidy, zip_entries
from openstack_rca.sources.blobs import Blob, DiskBlob
from openstack_rca.sources.cut_zip import cut_zip_entries
from openstack_rca.sources.foreign import FOREIGN, Bomb, reason_of, translated
from openstack_rca.sources.limits import Limits
from openstack_rca.sources.rotation import in_rotation_order, in_stream_order
from openstack_rca.sources.sniffing import Nature, as_utf8, nature_of


@dataclass
class Origin:
    """The file on disk that entries come from, and how many bytes each of them gave."""

    disk: DiskBlob
    limits: Limits
    given: dict[str, int] = field(default_factory=dict)
    total: int = 0

    def count(self, name: str, size: int) -> None:
        """Add what a file gave; raises Bomb when all together is beyond measure for the file on disk."""
        self.given[name] = self.given.get(name, 0) + size
        self.total += size
        if self.total > max(self.limits.harmless, self.limits.ratio * self.disk.end()):
            raise Bomb(f"its archive unpacks to more than {self.limits.ratio} times its size")

    def begin(self, name: str) -> None:
        """Forget what an earlier reading of a file gave."""
        self.total -= self.given.pop(name, 0)


@dataclass(frozen=True)
class TextFile:
    """A log file as the parser reads it; can be read more than once, and in any order."""

    name: str
    modified: float | None
    content: Blob
    encoding: str
    origin: Origin

    def chunks(self) -> Iterator[bytes]:
        """Yield the text in blocks of at most `Limits.block` bytes before decoding.

        Raises InputError when the content ends early, is damaged, or grows beyond measure.
        """
        self.origin.begin(self.name)
        blocks = self.content.blocks(self.origin.limits.block)
        try:
            with translated(self.name):
                for block in as_utf8(blocks, self.encoding) if self.encoding else blocks:
                    self.origin.count(self.name, len(block))
                    yield block
        finally:
            self.origin.disk.close()


def text_files(entry: Entry, origin: Origin, account: Account, depth: int = 0) -> Iterator[TextFile]:
    """Yield the log files in an entry, rotated ones oldest first; what is none of them is counted.

    An archive that is expensive to go back in is listed first and read in a second pass. One that lies in such an
    archive is held in memory when the limits allow it.
    """
    limits = origin.limits
    try:
        nature = nature_of(entry.blob, entry.name, limits)
        if nature.kind == "other":
            account.skip(entry.name, nature.detail)
        elif nature.kind == "text":
            yield TextFile(entry.name, nature.modified or entry.modified, nature.content, nature.detail, origin)
        elif depth == limits.depth:
            account.skip(entry.name, f"nested deeper than {limits.depth} archives")
        else:
            if not entry.blob.cheap and entry.size <= limits.held:
                entry = entry.held()
                nature = nature_of(entry.blob, entry.name, limits)
            for member in _members(nature, entry.name, account, limits):
                yield from text_files(member, origin, account, depth + 1)
    except FOREIGN as error:
        account.skip(entry.name, reason_of(error))


def _members(nature: Nature, name: str, account: Account, limits: Limits) -> Iterator[Entry]:
    """Yield the files of an archive in the order in which they are to be read."""
    blob, before = nature.content, len(account.skipped)
    listed = tar_entries(blob, name, account) if nature.kind == "tar" else _zip_entries(blob, name, account, limits)
    entries = tidy(listed, name, account)
    if not entries and len(account.skipped) == before:
        account.skip(name, "an archive without files")
    if blob.cheap:
        yield from in_rotation_order(entries)
    else:
        yield from in_stream_order(entries, lambda entry: entry.size, Entry.held, limits.held)


def _zip_entries(blob: Blob, name: str, account: Account, limits: Limits) -> list[Entry]:
    """Return the files of a zip archive, those that can be recovered when it is cut; raises Bomb."""
    try:
        entries = zip_entries(blob, name, account, limits)
    except BadZipFile as error:
        account.skip(name, f"truncated or damaged ({error})")
        return list(cut_zip_entries(blob, name, limits))
    if sum(entry.size for entry in entries) > max(limits.harmless, limits.ratio * blob.end()):
        raise Bomb(f"it unpacks to more than {limits.ratio} times its size")
    return entries
