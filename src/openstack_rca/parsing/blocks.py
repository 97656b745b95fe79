"""Bytes of a file to blocks of clean text, each of whole lines; the cut depends on the content, never on the chunks."""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from openstack_rca.contracts import RawFile
from openstack_rca.errors import InputError
from openstack_rca.parsing import journal_export

BLOCK_BYTES = 8 << 20
MAX_LINE_BYTES = 1 << 20
_HEAD_BYTES = 16

_ANSI = re.compile(r"(?:\x1b|#033)\[[0-9;]*[A-Za-z]")
"""Colours; syslog writes the escape character as #033."""
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass
class Reading:
    """Reads one file block by block and keeps the account: what was read, what was cut, and why it ended early."""

    file: RawFile
    size: int = 0
    lines: int = 0
    first_row: int = 0  # number in the run of its first line
    cut_lines: int = 0
    broken: str | None = None

    def blocks(self) -> Iterator[str]:
        """Yield text of about 8 MiB in which every line ends in a newline; colours, NUL and CR are taken out.

        A line longer than 1 MiB is cut there and counted; an InputError of the source ends the reading.
        """
        for block in self._whole_lines():
            text = _decode(_clean(block))
            yield _ANSI.sub("", text) if b"\x1b" in block or b"#033[" in block else text

    def _whole_lines(self) -> Iterator[bytes]:
        tail = bytearray()
        exported = None
        in_cut_line = False
        for chunk in _to_utf8(self._chunks()):
            if exported is None and len(tail) + len(chunk) >= _HEAD_BYTES:
                chunk = bytes(tail) + chunk
                tail.clear()
                exported = journal_export.is_export(chunk[:_HEAD_BYTES])
            tail += chunk.replace(b"\0", b"") if exported is False else chunk  # a hole is no long line
            while len(tail) >= BLOCK_BYTES:
                if in_cut_line:
                    in_cut_line = _drop_line(tail)
                    continue
                block = _take(tail, journal_export.SEPARATOR if exported else b"\n")
                in_cut_line = not block.endswith(b"\n")
                yield self._shaped(block, exported)
        if in_cut_line:
            _drop_line(tail)
        if tail:
            yield self._shaped(bytes(tail), exported)

    def _chunks(self) -> Iterator[bytes]:
        try:
            for chunk in self.file.chunks():
                self.size += len(chunk)
                yield chunk
        except InputError as error:
            self.broken = str(error)

    def _shaped(self, block: bytes, exported: bool | None) -> bytes:
        block = self._cut_long_lines(block if block.endswith(b"\n") else block + b"\n")
        return journal_export.as_json_lines(block) if exported else block

    def _cut_long_lines(self, block: bytes) -> bytes:
        """Return the block with every line cut at the limit; steps from newline to newline."""
        kept: list[bytes] = []
        start = position = 0
        while position < len(block):
            end = block.rfind(b"\n", position, position + MAX_LINE_BYTES + 1)
            if end >= 0:
                position = end + 1
                continue
            self.cut_lines += 1
            kept.append(block[start : position + MAX_LINE_BYTES])
            start = block.index(b"\n", position)
            position = start + 1
        return b"".join([*kept, block[start:]]) if kept else block


def _take(tail: bytearray, separator: bytes) -> bytes:
    """Take a block off: up to the last separator in it, else the last newline, else all of it."""
    for mark in (separator, b"\n"):
        end = tail.rfind(mark, 0, BLOCK_BYTES)
        if end >= 0:
            break
    size = end + len(mark) if end >= 0 else BLOCK_BYTES
    block = bytes(tail[:size])
    del tail[:size]
    return block


def _drop_line(tail: bytearray) -> bool:
    """Drop what is left of a line that was cut; return whether its end is still to come."""
    end = tail.find(b"\n")
    del tail[: end + 1 if end >= 0 else len(tail)]
    return end < 0


def _to_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Pass chunks on; UTF-16 with a byte order mark becomes UTF-8, and a UTF-8 mark is taken off."""
    stream = iter(chunks)
    head = b""
    for chunk in stream:
        head += chunk
        if len(head) >= len(codecs.BOM_UTF8):
            break
    if head.startswith(_UTF16_MARKS):
        decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
        yield decoder.decode(head).encode(errors="replace")
        for chunk in stream:
            yield decoder.decode(chunk).encode(errors="replace")
        yield decoder.decode(b"", final=True).encode(errors="replace")
        return
    yield head.removeprefix(codecs.BOM_UTF8)
    yield from stream


def _clean(block: bytes) -> bytes:
    if b"\r" in block and b"\r\n" in block:
        block = block.replace(b"\r\n", b"\n")
    return block.replace(b"\0", b"") if b"\0" in block else block


def _decode(block: bytes) -> str:
    try:
        return block.decode()
    except UnicodeDecodeError:
        return "\n".join(map(_decode_line, block.split(b"\n")))


def _decode_line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
