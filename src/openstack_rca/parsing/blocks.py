"""Bytes of a file to blocks of clean text, each of whole lines; the cut depends on the content, never on the chunks."""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from openstack_rca.contracts import RawFile
from openstack_rca.errors import InputError

BLOCK_BYTES = 8 << 20
MAX_LINE_BYTES = 1 << 20

_ANSI = re.compile(r"(?:\x1b|#033|\\u001b)\[[0-9;]*[A-Za-z]")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass
class Reading:
    """Reads one file block by block and keeps the account: bytes read, lines cut, and why it ended early."""

    file: RawFile
    bytes: int = 0
    cut_lines: int = 0
    broken: str | None = None
    _tail: bytearray = field(default_factory=bytearray)

    def blocks(self) -> Iterator[str]:
        """Yield text of about 8 MiB in which every line ends in a newline; colours, NUL and CR are taken out.

        A line longer than 1 MiB is cut there and counted; an InputError of the source ends the reading.
        """
        for block in self._whole_lines():
            yield _clean(_decode(block))

    def _whole_lines(self) -> Iterator[bytes]:
        tail, in_cut_line = self._tail, False
        for chunk in _to_utf8(self._chunks()):
            tail += chunk
            while len(tail) >= BLOCK_BYTES:
                if in_cut_line:
                    end = tail.find(b"\n")
                    del tail[: end + 1 if end >= 0 else len(tail)]
                    in_cut_line = end < 0
                    continue
                end = tail.rfind(b"\n", 0, BLOCK_BYTES)
                in_cut_line = end < 0
                block = bytes(tail[: end + 1 if end >= 0 else BLOCK_BYTES])
                del tail[: len(block)]
                yield self._cut_long_lines(block)
        if in_cut_line:
            end = tail.find(b"\n")
            del tail[: end + 1 if end >= 0 else len(tail)]
        if tail:
            yield self._cut_long_lines(bytes(tail))

    def _chunks(self) -> Iterator[bytes]:
        try:
            for chunk in self.file.chunks():
                self.bytes += len(chunk)
                yield chunk
        except InputError as error:
            self.broken = str(error)

    def _cut_long_lines(self, block: bytes) -> bytes:
        """Return the block with every line cut at the limit, the last line ended; steps from newline to newline."""
        if not block.endswith(b"\n"):
            block += b"\n"
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


def _decode(block: bytes) -> str:
    try:
        return block.decode()
    except UnicodeDecodeError:
        return "".join(map(_decode_line, block.splitlines(keepends=True)))


def _decode_line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _clean(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", " ")
    if "\0" in text:
        text = text.replace("\0", "")
    if "\x1b[" in text or "#033[" in text or "\\u001b[" in text:
        text = _ANSI.sub("", text)
    return text
