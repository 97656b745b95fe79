"""Tells by its first bytes what a file is: an archive, text in some encoding, or nothing to read."""

import codecs
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from openstack_rca.sources.blobs import Blob
from openstack_rca.sources.compression import GZIP, decoder_of, unpacked
from openstack_rca.sources.limits import Limits

HEAD = 8 << 10
"""Bytes that are looked at."""

MOST_NULS = 0.1
"""Share of NUL bytes above which a file is binary: a torn write leaves a few in a log, programs and databases have
a fifth and more."""

MOST_CONTROLS = 0.05
"""Share of other control bytes above which content is binary: packed or random data has a tenth."""

_HOLE = re.compile(rb"\0{512,}")
"""A sector that was never written, as a power loss leaves it in a log; what stands before it tells what the file is."""

_CONTROLS = bytes(set(range(1, 32)) - set(b"\b\t\n\f\r\x1b"))

_BINARY = {
    b"LPKSHHRH": "a binary journal; export it with `journalctl -o short-precise`",
    b"SQLite format 3\0": "an SQLite database",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF-": "a PDF document",
    b"\x7fELF": "a program",
    b"\x01CD001": "a CD image",  # behind 32 KiB of NUL bytes
    b"7z\xbc\xaf\x27\x1c": "a 7z archive, which is not supported",
    b"Rar!\x1a\x07": "a RAR archive, which is not supported",
    b"\x04\x22\x4d\x18": "LZ4 data, which is not supported",
    b"\x1f\x9d": "data of `compress`, which is not supported",
}

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Nature:
    """What a file is: `detail` is the encoding of text (empty when its bytes pass as they are) or why it is no log."""

    kind: Literal["tar", "zip", "text", "other"]
    content: Blob
    detail: str = ""
    modified: float | None = None  # from the header of a gzip file, which a copy of the file does not change


def nature_of(blob: Blob, name: str, limits: Limits) -> Nature:
    """Return what lies below all compressions; raises the error of the library when it cannot be unpacked."""
    layers = 0
    head = blob.head(HEAD)
    modified = int.from_bytes(head[4:8], "little") or None if head.startswith(GZIP) else None
    while decoder := decoder_of(head):
        layers += 1
        if layers > limits.depth:
            return Nature("other", blob, f"compressed more than {limits.depth} times")
        blob = unpacked(blob, decoder, limits)
        head = blob.head(HEAD)
    if not head:
        return Nature("other", blob, "empty")
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):  # a member, or the directory of an empty archive
        return Nature("zip", blob)
    if _is_tar(head, name):
        return Nature("tar", blob)
    encoding = encoding_of(head)
    if head.startswith(b"\0") and not encoding:  # a writer that goes on behind logrotate's copytruncate leaves a hole
        head = blob.head(HEAD, behind=b"\0") or head
    if binary := _binary(head, encoding):
        return Nature("other", blob, f"binary ({binary})")
    return Nature("text", blob, encoding, modified)


def _is_tar(head: bytes, name: str) -> bool:
    if head[257:262] == b"ustar":
        return True
    if not re.search(r"\.(tar|tgz)[^/]*$", name):
        return False
    try:  # archives of old programs have no magic, but a checksum
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _binary(head: bytes, encoding: str) -> str:
    """Return what kind of binary data begins so, an empty string for text."""
    for magic, what in _BINARY.items():
        if head.startswith(magic):
            return what
    if head[2:4] == b"\r\n" and head[:1] not in b"\r\n" and b"\0" in head[4:16]:
        return "compiled Python"
    if encoding:
        return ""
    written = _HOLE.split(head.lstrip(b"\0"), maxsplit=1)[0]
    if b"\n" in written:  # lines; the records of lastlog and its like have none between their NUL bytes
        head = written
    nuls = head.count(0) / len(head)
    if nuls > MOST_NULS:
        return f"{nuls:.0%} NUL bytes"
    controls = (len(head) - len(head.translate(None, _CONTROLS))) / len(head)
    if controls > MOST_CONTROLS:
        return f"{controls:.0%} control bytes"
    return ""


def encoding_of(head: bytes) -> str:
    """Return the encoding of text that has to be decoded, from its byte order mark or the places of its NUL bytes."""
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    even, odd = head[::2], head[1::2]
    if odd and odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.05 * len(even):
        return "utf-16-le"
    if odd and even.count(0) > 0.7 * len(even) and odd.count(0) < 0.05 * len(odd):
        return "utf-16-be"
    return ""


def as_utf8(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield text blocks in UTF-8; what the encoding does not know becomes U+FFFD."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for block in blocks:
        if text := decoder.decode(block):
            yield text.encode("utf-8", "replace")
    if text := decoder.decode(b"", final=True):
        yield text.encode("utf-8", "replace")
