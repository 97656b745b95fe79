"""Content that can be read from any position, wherever it lies: on disk, in memory, inside something else.

Going back is cheap in a `DiskBlob`, a `MemoryBlob` and any `Slice` of these. A `Stream` unpacks as it goes: it keeps a
window of what it unpacked, and starts again from the beginning when it is asked for something before that window.
"""

import io
import os
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path

LARGEST_HEADER = 64 << 20
"""No header or directory of an archive is this large: 64 MiB list half a million members."""


PASSED_AT_ONCE = 256 << 10
"""Bytes read at once to get past a hole at the start of a file."""


class Blob(ABC):
    """Bytes from position 0 to `end()`."""

    @property
    @abstractmethod
    def cheap(self) -> bool:
        """Whether going back costs nothing."""

    @abstractmethod
    def end(self) -> int:
        """Return how many bytes there are; a stream must be unpacked to its end for that."""

    @abstractmethod
    def read_at(self, position: int, size: int) -> bytes:
        """Return at most `size` bytes from a position on, none only at the end; raises the error of the library."""

    def head(self, size: int, behind: bytes = b"") -> bytes:
        """Return the first bytes, fewer than `size` only where the content is shorter or breaks off.

        With `behind` they are those that follow all of these bytes at the start, however many there are.
        """
        found = b""
        try:
            for block in self.blocks(PASSED_AT_ONCE if behind else size):
                found += block if found or not behind else block.lstrip(behind)
                if len(found) >= size:
                    break
        except Exception:
            if not found:
                raise
        return found[:size]

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yield all content in blocks of at most `size` bytes; raises EOFError when there is less than `end()`."""
        position, end = 0, self.end()
        while position < end:
            block = self.read_at(position, min(size, end - position))
            if not block:
                raise EOFError
            yield block
            position += len(block)


def read_fully(blob: Blob, position: int, size: int) -> bytes:
    """Return `size` bytes from a position on, fewer only at the end."""
    parts = []
    while size and (part := blob.read_at(position, size)):
        parts.append(part)
        position += len(part)
        size -= len(part)
    return b"".join(parts)


class MemoryBlob(Blob):
    """Bytes in memory."""

    cheap = True

    def __init__(self, data: bytes) -> None:
        self._data = data

    def end(self) -> int:
        """Return the length of the data."""
        return len(self._data)

    def read_at(self, position: int, size: int) -> bytes:
        """Return a part of the data."""
        return self._data[position : position + size]


class DiskBlob(Blob):
    """A regular file, as long as it was when this was made: what is appended later is not read.

    The file is opened when it is read and can be closed at any time. Raises OSError when it cannot be, or when
    another file stands in its place by then.
    """

    cheap = True
    _descriptor: int | None = None

    def __init__(self, path: Path) -> None:
        info = path.stat()
        self.modified = info.st_mtime
        self._path, self._size, self._identity = path, info.st_size, (info.st_dev, info.st_ino)

    def end(self) -> int:
        """Return the size that the file had when this was made."""
        return self._size

    def read_at(self, position: int, size: int) -> bytes:
        """Return a part of the file; raises OSError when it cannot be opened."""
        if self._descriptor is None:
            self._open()
        assert self._descriptor is not None
        return os.pread(self._descriptor, max(0, min(size, self._size - position)), position)

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        info = os.fstat(self._descriptor)
        if (info.st_dev, info.st_ino) != self._identity:
            self.close()
            raise OSError(0, "another file took its place while it was read")

    def close(self) -> None:
        """Give the descriptor back; reading opens the file again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    __del__ = close


class Slice(Blob):
    """A part of another blob, such as a member of a tar archive."""

    def __init__(self, whole: Blob, start: int, size: int) -> None:
        self._whole, self._start, self._size = whole, start, size

    @property
    def cheap(self) -> bool:
        """Whether going back in the whole costs nothing."""
        return self._whole.cheap

    def end(self) -> int:
        """Return the size of the part, as it is said to be."""
        return self._size

    def read_at(self, position: int, size: int) -> bytes:
        """Return bytes of the part, none where the whole ends before it."""
        return self._whole.read_at(self._start + position, max(0, min(size, self._size - position)))


class Stream(Blob):
    """Content that comes in order, from a function that starts it again with a given block size.

    The last `window` bytes stay in memory, and the last block always. An error of the library is raised where the
    content breaks off, and what came before it stands.
    """

    def __init__(self, start: Callable[[int], Iterator[bytes]], window: int, block: int) -> None:
        self._start, self._window, self._block = start, window, block
        self._restart()

    def _restart(self) -> None:
        self._rest = self._start(self._block)
        self._kept: list[bytes] = []
        self._places: list[int] = []
        self._reached = self._bytes = 0
        self._ended = False
        self._failure: Exception | None = None

    @property
    def cheap(self) -> bool:
        """Whether all content lies in the window."""
        return self._ended and self._bytes == self._reached

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yield all content from a fresh start, past the window."""
        return self._start(size)

    def end(self) -> int:
        """Return how many bytes there are, after unpacking them all."""
        while self._advance():
            pass
        return self._reached

    def read_at(self, position: int, size: int) -> bytes:
        """Return bytes of the block at a position, unpacking as far as needed, from the start when it is gone."""
        if position < self._reached - self._bytes:
            self._restart()
        while position >= self._reached:
            if not self._advance():
                return b""
        index = bisect_right(self._places, position) - 1
        offset = position - self._places[index]
        return self._kept[index][offset : offset + size]

    def _advance(self) -> bool:
        """Unpack one more block into the window, and say whether there was one."""
        if self._failure:
            raise self._failure
        try:
            block = next(self._rest, b"")
        except Exception as error:
            self._failure = error
            raise
        if not block:
            self._ended = True
            return False
        self._kept.append(block)
        self._places.append(self._reached)
        self._reached += len(block)
        self._bytes += len(block)
        while len(self._kept) > 1 and self._bytes - len(self._kept[0]) >= self._window:
            self._bytes -= len(self._kept.pop(0))
            del self._places[0]
        return True


class Cursor(io.RawIOBase):
    """A file object over a blob, for the libraries that list archives."""

    def __init__(self, blob: Blob) -> None:
        self._blob, self._position = blob, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position, past the end too; raises OSError before the start."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence)
        self._position = offset + (self._blob.end() if start is None else start)
        if self._position < 0:
            self._position = 0
            raise OSError("a position before the start")  # zipfile tries it, and expects this
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Return `size` bytes, fewer at the end; raises ValueError when more is asked for than any header has."""
        wanted = max(0, self._blob.end() - self._position) if size is None or size < 0 else size
        if wanted > LARGEST_HEADER:
            raise ValueError(f"a header of {wanted} bytes")
        data = read_fully(self._blob, self._position, wanted)
        self._position += len(data)
        return data
