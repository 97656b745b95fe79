"""Unpacks gzip, bzip2, xz and Zstandard, block by block, and tells them by their first bytes."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import zstandard

from openstack_rca.sources.blobs import Blob, Stream
from openstack_rca.sources.foreign import Bomb
from openstack_rca.sources.limits import Limits

PACKED_BLOCK = 256 << 10
"""Packed bytes given to a decoder at once."""

ZSTD_PIECE = 1 << 10
"""Its decoder cannot bound what it returns: 1 KiB becomes 32 MiB at worst (128 KiB from each block of 4 bytes)."""


class Decoder(Protocol):
    """Unpacks one packed stream."""

    @property
    def eof(self) -> bool:
        """Whether the packed stream is complete."""

    @property
    def unused(self) -> bytes:
        """Packed bytes after the end of the stream."""

    def feed(self, data: bytes, size: int) -> Iterator[bytes]:
        """Yield what `data` unpacks to, in blocks of about `size` bytes at most."""


class _Zlib:
    def __init__(self, bits: int = 31) -> None:
        self._inner = zlib.decompressobj(bits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused(self) -> bytes:
        return self._inner.unused_data

    def feed(self, data: bytes, size: int) -> Iterator[bytes]:
        while True:
            block = self._inner.decompress(data, size)
            yield block
            data = self._inner.unconsumed_tail
            if self.eof or (not data and len(block) < size):
                return


class _Stdlib:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused(self) -> bytes:
        return bytes(self._inner.unused_data)

    def feed(self, data: bytes, size: int) -> Iterator[bytes]:
        while True:
            yield self._inner.decompress(data, size)
            data = b""
            if self.eof or self._inner.needs_input:
                return


class _Zstd:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor().decompressobj()
        self.unused = b""

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    def feed(self, data: bytes, size: int) -> Iterator[bytes]:
        for start in range(0, len(data), ZSTD_PIECE):
            block = self._inner.decompress(data[start : start + ZSTD_PIECE])
            for offset in range(0, len(block), size):
                yield block[offset : offset + size]
            if self.eof:
                self.unused = self._inner.unused_data + data[start + ZSTD_PIECE :]
                return


def raw_deflate() -> Decoder:
    """Return a decoder of deflate without header, as it lies in zip archives."""
    return _Zlib(-15)


GZIP = b"\x1f\x8b\x08"

_MAGIC: dict[bytes, Callable[[], Decoder]] = {
    GZIP: _Zlib,
    b"BZh": lambda: _Stdlib(bz2.BZ2Decompressor()),
    b"\xfd7zXZ\x00": lambda: _Stdlib(lzma.LZMADecompressor()),
    b"\x28\xb5\x2f\xfd": _Zstd,
}


def decoder_of(head: bytes) -> Callable[[], Decoder] | None:
    """Return what makes decoders for content that begins so, None when it is not packed."""
    if head.startswith(b"BZh") and head[4:10] not in (b"1AY&SY", b"\x17rE8P\x90"):  # a block, or the end at once
        return None
    return next((make for magic, make in _MAGIC.items() if head.startswith(magic)), None)


def unpacked(source: Blob, make: Callable[[], Decoder], limits: Limits) -> Stream:
    """Return the unpacked content of a packed blob."""
    return Stream(
        lambda size: unpack(source.blocks(min(size, PACKED_BLOCK)), make, size, limits), limits.window, limits.block
    )


def unpack(packed: Iterator[bytes], make: Callable[[], Decoder], size: int, limits: Limits) -> Iterator[bytes]:
    """Yield the unpacked content of all streams that follow each other.

    Raises EOFError when the last one is not complete, Bomb when the growth is beyond the limits, and the error of the
    library when the data is damaged.
    """
    decoder: Decoder | None = make()
    taken = given = 0
    for data in packed:
        taken += len(data)
        while data:
            if decoder is None:
                data = data.lstrip(b"\0")  # padding between streams
                if not data:
                    break
                decoder = make()
            for block in decoder.feed(data, size):
                given += len(block)
                if given > limits.harmless and given > limits.ratio * taken:
                    raise Bomb(f"it unpacks to more than {limits.ratio} times its size")
                if block:
                    yield block
            data = decoder.unused if decoder.eof else b""
            if decoder.eof:
                decoder = None
    if decoder is not None:
        raise EOFError
