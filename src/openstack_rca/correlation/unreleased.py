"""Frames of tracebacks whose source line differs from every release of OpenStack that is known: patched, or changed on site.

`knowledge/code/<project>/lines.json.gz` (by `scripts/index-code`) has, for many releases, the fingerprint of each line of each
function at its number. By the numbers of the other frames it is told which release runs.
"""

import base64
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from openstack_rca.correlation.sourcecode import content, is_indexed
from openstack_rca.correlation.tracebacks import LONGEST_SOURCE, Frame, Traceback, project_of

_COMMENT = re.compile(r"(?:^|\s)#.*")
_PREFIX = re.compile(r"\b[uUbBrRfF]{1,2}(?=['\"])")
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|[-+*/%=<>!&|^~.@]")
_FEW, _SHARE = 2, 0.1
"""Where more lines of a project than these, and than this share, are in no release, the cloud runs another one than those known."""
_VERIFIED = 2
"""So many lines for each of these must stand in a release, so that it is known at all."""
_SIZE = 3
"""Bytes of a fingerprint."""
_ABSENT = 0xFFFF
_FITTING = 0.9
"""Such a share of the lines must stand at the numbers of one release, so that it is the one that runs."""


def fingerprint(function: str, *lines: str) -> int:
    """Return a number of 24 bits for lines of source of a function, by their words and signs alone: not by their order, brackets,
    line breaks or comments.
    """
    text = _PREFIX.sub("", " ".join(_COMMENT.sub("", line) for line in lines))
    return zlib.crc32(f"{function}: {' '.join(sorted(_TOKEN.findall(text)))}".encode()) & 0xFFFFFF


@dataclass(frozen=True)
class Lines:
    """The fingerprints of one source file: `known` has each that a release has, once, `packed` in which line of which release."""

    known: bytes
    packed: str

    @classmethod
    def of(cls, versions: Sequence[Iterable[int]], releases: Sequence[int | None], joined: Iterable[int]) -> "Lines":
        """Return those of the lines of each version of a file, of the version in each release, and of statements of several lines."""
        numbers = {0: 0}
        places = [np.array([numbers.setdefault(n, len(numbers)) for n in version], "<u2") for version in versions]
        known = [*numbers, *sorted(set(joined) - numbers.keys())]
        head = [len(releases), *(_ABSENT if r is None else r for r in releases), len(places), *map(len, places)]
        steps = [np.diff(place, prepend=np.uint16(0)) for place in places]  # mostly 1, which compresses well
        packed = zlib.compress(np.concatenate([np.array(head, "<u2"), *steps]).astype("<u2").tobytes(), 9)
        return cls(b"".join(n.to_bytes(_SIZE, "little") for n in known), base64.b64encode(packed).decode())

    def has(self, fingerprint: int) -> bool:
        """Say whether a release has a line, at whatever number."""
        return self._place(fingerprint) is not None

    def having(self, fingerprint: int, number: int) -> frozenset[int]:
        """Return which releases have a line at a number, from 1."""
        place, (releases, versions) = self._place(fingerprint), self._versions
        fitting = {n for n, lines in enumerate(versions) if 0 < number <= len(lines) and lines[number - 1] == place}
        return frozenset(release for release, n in enumerate(releases) if n in fitting)

    def _place(self, fingerprint: int) -> int | None:
        wanted, at = fingerprint.to_bytes(_SIZE, "little"), -1
        while (at := self.known.find(wanted, at + 1)) >= 0:
            if at % _SIZE == 0:
                return at // _SIZE
        return None

    @cached_property
    def _versions(self) -> tuple[list[int], list[np.ndarray]]:
        """Which version each release has, and by version the place in `known` of each of its lines."""
        data = np.frombuffer(zlib.decompress(base64.b64decode(self.packed)), "<u2")
        releases, data = data[1 : data[0] + 1].tolist(), data[data[0] + 1 :]
        lengths, data = data[1 : data[0] + 1], data[data[0] + 1 :]
        steps = np.split(data, np.cumsum(lengths.astype(int))[:-1])
        return releases, [np.cumsum(s, dtype="<u2") for s in steps]


def unreleased(tracebacks: Iterable[Traceback]) -> frozenset[Frame]:
    """Return the frames whose source line stands in no release of their function.

    None of a project of which many lines are so, or where the numbers of the others do not tell which release runs.
    """
    frames = {f for t in tracebacks for f in t.frames}
    found: dict[str, dict[Frame, bool]] = defaultdict(dict)
    for frame in frames:
        if (released := is_released(frame)) is not None:
            found[frame.project][frame] = released
    return frozenset(
        frame
        for known in found.values()
        if not all(known.values()) and _are_few_new(known) and _runs_release(known)
        for frame, released in known.items()
        if not released
    )


def is_released(frame: Frame) -> bool | None:
    """Say whether the source line of a frame stands in a release of its function; None where that cannot be told."""
    lines = _lines(frame.file)
    if lines is None or not 0 < len(frame.source) < LONGEST_SOURCE or not lines.has(fingerprint(frame.function)):
        return None
    return lines.has(_fingerprint(frame))


def _are_few_new(released: Mapping[Frame, bool]) -> bool:
    """Say whether so few lines of a project stand in no release that the cloud runs one of those known."""
    lines = {_key(frame): is_known for frame, is_known in released.items()}
    new = sum(not is_known for is_known in lines.values())
    return new <= max(_FEW, _SHARE * len(lines)) and len(lines) - new >= _VERIFIED * new


def _runs_release(released: Mapping[Frame, bool]) -> bool:
    """Say whether the known lines of a project stand at the numbers of one release.

    In a file of a new line they need not, so where all are in such a file nothing speaks against it.
    """
    changed = {f.file for f, is_known in released.items() if not is_known}
    fitting = [
        (f, lines.having(_fingerprint(f), f.line))
        for f, is_known in released.items()
        if is_known and (lines := _lines(f.file))
    ]
    telling = [releases for f, releases in fitting if releases or f.file not in changed]
    placed = Counter(release for releases in telling for release in releases)
    return max(placed.values(), default=0) >= _FITTING * len(telling)


def _key(frame: Frame) -> tuple[str, str, str]:
    return frame.file, frame.function, frame.source


def _fingerprint(frame: Frame) -> int:
    return fingerprint(frame.function, frame.source)


@cache
def _lines(file: str) -> Lines | None:
    """Return the fingerprints of a source file; None for one without an index."""
    known, packed = _files(project_of(file)).get(file, ("", ""))
    return Lines(base64.b64decode(known), packed) if known else None


@cache
def _files(project: str) -> dict[str, tuple[str, str]]:
    """Return the fingerprints of a project by file; empty for one without an index."""
    files: dict[str, tuple[str, str]] = content(project, "lines")["files"] if is_indexed(project) else {}
    return files
