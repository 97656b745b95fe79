"""Sources for tests: files that lie in memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from openstack_rca.contracts import RawFile
from openstack_rca.errors import InputError
from openstack_rca.records import Skipped


@dataclass(frozen=True)
class MemoryFile:
    """A log file of given bytes, yielded in blocks of `block` bytes; with `broken`, reading ends in InputError."""

    name: str
    data: bytes
    modified: float | None = None
    block: int = 1 << 20
    broken: str | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the content; raises InputError with the text of `broken` at its end."""
        for start in range(0, len(self.data), self.block):
            yield self.data[start : start + self.block]
        if self.broken:
            raise InputError(self.broken)


class FakeSource:
    """A source that gives the files and skips it was made with."""

    def __init__(self, files: Iterable[RawFile], skipped: Sequence[Skipped] = ()) -> None:
        self._files, self._skipped = tuple(files), tuple(skipped)

    def files(self) -> Iterator[RawFile]:
        """Yield the files in the given order."""
        return iter(self._files)

    @property
    def skipped(self) -> Sequence[Skipped]:
        """What was given as left out."""
        return self._skipped
