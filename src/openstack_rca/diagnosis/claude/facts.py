"""What may be named: the program's own knowledge of a case, and the pieces of a text that go beyond it."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Protocol

from openstack_rca.records import Evidence

STRUCK = "[struck: not in the logs]"
_ID = re.compile(r"\bE\d+\b")
_UUID = re.compile(r"\b(?:req-)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b[0-9a-f]{32}\b")
_ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w.]*\d)")
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s<>\"'`)\]]+", re.IGNORECASE)
_PLACE = re.compile(r"[\w./-]*\.log(?:\.\d+)?(?:\.gz)?(?::\d+)?|\blines?\s+\d+\b", re.IGNORECASE)
_TICKET = re.compile(r"\b(?:CVE-\d{4}-\d+|OSSA-\d{4}-\d+|(?:bug|LP:?)\s*#?\d{4,})\b", re.IGNORECASE)
_PROGRAM = re.compile(
    r"\b(?:nova|neutron|cinder|glance|keystone|placement|heat|octavia|swift|barbican|designate|ironic|manila|magnum)"
    r"-[a-z]+(?:-[a-z]+)*\b"
)
_QUOTED = re.compile(r"\"([^\"\n]{8,})\"|“([^”\n]{8,})”|`([^`\n]{8,})`|(?<!\w)'([^'\n]{8,})'(?!\w)|«([^»\n]{8,})»")
_DIGITS = re.compile(r"\d+")


class Lines(Protocol):
    """The lines that may be pointed to, by their ids."""

    @property
    def entries(self) -> Mapping[str, Evidence]:
        """Return all evidence by id."""

    def text_of(self, id_: str) -> str:
        """Return a line with what was joined to it."""


class Facts:
    """Knows the names of a case: lines, hosts, components, and every text that was sent to the model."""

    def __init__(self, book: Lines, hosts: Iterable[str], components: Iterable[str], seen: str) -> None:
        self.book = book
        self.hosts = {h.lower(): h for h in hosts}
        self.components = frozenset(components)
        self._seen = seen.lower()

    def see(self, text: str) -> None:
        """Add a text that the model was shown later: what a tool returned."""
        self._seen += "\n" + text.lower()

    def host(self, name: str) -> str | None:
        """Return the host of the logs that a name means, also by its first label; None when there is none."""
        wanted = name.strip().lower()
        short = {h.split(".", 1)[0]: full for h, full in self.hosts.items()}
        return self.hosts.get(wanted) or short.get(wanted.split(".", 1)[0])

    def holds(self, quote: str, id_: str) -> bool:
        """Say whether words stand in a line or in what was joined to it, however they are spaced."""
        wanted, text = _plain(quote), _plain(self.book.text_of(id_))
        return bool(wanted) and wanted in text

    def strike(self, text: str, *, quotes: bool) -> tuple[str, list[str]]:
        """Return a text with every piece struck that names what is not in the data, and these pieces.

        `quotes`: words between quotation marks must stand in a line that has an id; commands are let go with false.
        """
        bad = [m[0] for m in _ID.finditer(text) if m[0] not in self.book.entries]
        bad += [m[0] for p in (_UUID, _ADDRESS, _URL, _TICKET) for m in p.finditer(text) if not self.was_seen(m[0])]
        bad += [m[0] for m in _PLACE.finditer(text) if not self._is_place(m[0])]
        bad += [
            m[0] for m in self._host_shape.finditer(text) if m[0].lower() not in self.hosts and not self.was_seen(m[0])
        ]
        bad += [m[0] for m in _PROGRAM.finditer(text) if m[0] not in self.components and not self.was_seen(m[0])]
        if quotes:
            bad += [m[0] for m in _QUOTED.finditer(text) if not self._is_quoted(next(filter(None, m.groups())))]
        bad = sorted(dict.fromkeys(bad), key=len, reverse=True)
        for piece in bad:
            text = re.sub(rf"(?<!\w){re.escape(piece)}(?!\w)", STRUCK, text)
        return text, bad

    def was_seen(self, piece: str) -> bool:
        """Say whether a name stands in any text that the model was shown."""
        return piece.lower().rstrip(".,;") in self._seen

    def _is_place(self, piece: str) -> bool:
        """Say whether a file (with a line) is one of the evidence, or was shown to the model."""
        name, _, line = piece.partition(":")
        if name.lower().startswith("line"):
            return _DIGITS.findall(piece)[0] in self._line_numbers or self.was_seen(piece)
        at = [e for e in self.book.entries.values() if e.file.split("/")[-1].removesuffix(".gz") in name]
        return any(not line or str(e.line) == line for e in at) or self.was_seen(piece)

    @property
    def _line_numbers(self) -> set[str]:
        return {str(e.line) for e in self.book.entries.values()}

    @cached_property
    def _host_shape(self) -> re.Pattern[str]:
        """Return what looks like a host of this cloud: the known names with other numbers."""
        shapes = {
            r"\d+".join(re.escape(part) for part in _DIGITS.split(h))
            for h in self.hosts
            if _DIGITS.search(h) and len(h) > 3
        }
        return re.compile(rf"(?<![\w.-])(?:{'|'.join(sorted(shapes))})(?![\w-])" if shapes else r"(?!)", re.IGNORECASE)

    def _is_quoted(self, words: str) -> bool:
        """Say whether quoted words stand in a line with an id; names and options without a space need only be seen."""
        wanted = _plain(words)
        if " " not in wanted and (self.was_seen(words) or not _DIGITS.search(words)):
            return True
        return any(wanted in _plain(self.book.text_of(i)) for i in self.book.entries)


def _plain(text: str) -> str:
    """Return a text in lower case with single blanks, without escapes and without the mark of cut lines."""
    return " ".join(text.replace("\\n", " ").replace("\\", "").lower().split()).strip(" .…")
