"""Recovers the members of a zip archive that was cut: its directory stood at the end and is gone.

The layout of local headers and data descriptors is that of PKWARE's APPNOTE 6.3, sections 4.3.7 and 4.3.9.
"""

import struct
from collections.abc import Iterator

from openstack_rca.sources.archives import ZIP_MEMBER, Entry
from openstack_rca.sources.blobs import Blob, Slice, read_fully
from openstack_rca.sources.compression import raw_deflate, unpacked
from openstack_rca.sources.limits import MIB, Limits

_HEADER = struct.Struct("<4s5H3I2H")
_DIRECTORY = b"PK\x01\x02"
_ENCRYPTED, _SIZE_FOLLOWS, _UTF8 = 0x1, 0x8, 0x800
_STORED, _DEFLATED = 0, 8


def cut_zip_entries(blob: Blob, name: str, limits: Limits) -> Iterator[Entry]:
    """Yield stored and deflated members in the order in which they lie, as far as their headers can be followed."""
    start = 0
    while len(header := read_fully(blob, start, _HEADER.size)) == _HEADER.size:
        magic, _, flags, method, _, _, _, packed, size, name_size, extra_size = _HEADER.unpack(header)
        if magic != ZIP_MEMBER:
            return
        own = read_fully(blob, start + _HEADER.size, name_size).decode("utf-8" if flags & _UTF8 else "cp437", "replace")
        start += _HEADER.size + name_size + extra_size
        following = start + packed
        if flags & _SIZE_FOLLOWS:
            following = _find(blob, start)
            packed = _described(blob, start, following)
        if not own.endswith("/") and method in (_STORED, _DEFLATED) and not flags & _ENCRYPTED:
            content: Blob = Slice(blob, start, packed)
            if method == _DEFLATED:
                content = unpacked(content, raw_deflate, limits)
            yield Entry(f"{name}/{own}", content, size)
        start = following


def _described(blob: Blob, start: int, following: int) -> int:
    """Return the packed size that the descriptor before the next header tells, else all that is there."""
    for form, size in (("<4sIII", 16), ("<4sIQQ", 24)):
        if following - size >= start:
            magic, _, packed, _ = struct.unpack(form, read_fully(blob, following - size, size))
            if magic == b"PK\x07\x08" and start + packed + size == following:
                return int(packed)
    return following - start


def _find(blob: Blob, start: int) -> int:
    """Return where the next header or the directory begins, the end when there is none."""
    end = blob.end()
    while start < end:
        block = read_fully(blob, start, MIB)
        places = [place for magic in (ZIP_MEMBER, _DIRECTORY) if (place := block.find(magic)) >= 0]
        if places:
            return start + min(places)
        start += max(1, len(block) - len(ZIP_MEMBER) + 1)
    return end
