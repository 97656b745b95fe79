"""Frames of tracebacks whose source line stands in no release of OpenStack: code that was changed on site.

`knowledge/code/<project>/lines.json.gz` (by `scripts/index-code`) has the fingerprints of the lines of each function, of the
last release of each major one.
"""

import base64
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cache
from zlib import crc32

import numpy as np

from openstack_rca.correlation.sourcecode import content, is_indexed
from openstack_rca.correlation.tracebacks import LONGEST_SOURCE, Frame, Traceback

_COMMENT = re.compile(r"(?:^|\s)#.*")
_PREFIX = re.compile(r"\b[uUbBrRfF]{1,2}(?=['\"])")
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|[-+*/%=<>!&|^~.@]")
_FEW, _SHARE = 2, 0.1
"""Where more lines of a project than these, and than this share, are in no release, the cloud runs another one than those known."""
_VERIFIED = 2
"""So many lines for each of these must stand in a release, so that it is known at all."""


def fingerprint(*lines: str) -> int:
    """Return a number of 16 bits for lines of source, by their words and signs alone: not by their order, brackets, line breaks
    or comments.
    """
    text = _PREFIX.sub("", " ".join(_COMMENT.sub("", line) for line in lines))
    return crc32(" ".join(sorted(_TOKEN.findall(text))).encode()) & 0xFFFF


def unreleased(tracebacks: Iterable[Traceback]) -> frozenset[Frame]:
    """Return the frames whose source line stands in no release of their function; none of a project where that is so of many."""
    frames = {f for t in tracebacks for f in t.frames}
    found: dict[str, dict[tuple[str, str, str], bool]] = defaultdict(dict)
    for frame in frames:
        if (released := is_released(frame)) is not None:
            found[frame.project][_key(frame)] = released
    new = {
        key
        for known in found.values()
        if _are_few_new(known.values())
        for key, released in known.items()
        if not released
    }
    return frozenset(f for f in frames if _key(f) in new)


def is_released(frame: Frame) -> bool | None:
    """Say whether the source line of a frame stands in a release of its function; None where that cannot be told."""
    lines = _lines(frame.project).get(frame.file, {}).get(frame.function)
    if lines is None or not 0 < len(frame.source) < LONGEST_SOURCE:
        return None
    return bool(fingerprint(frame.source) in np.frombuffer(base64.b64decode(lines), "<u2"))


def _are_few_new(released: Collection[bool]) -> bool:
    """Say whether so few lines of a project stand in no release that the cloud runs one of those known."""
    new = sum(not is_known for is_known in released)
    return new <= max(_FEW, _SHARE * len(released)) and len(released) - new >= _VERIFIED * new


def _key(frame: Frame) -> tuple[str, str, str]:
    return frame.file, frame.function, frame.source


@cache
def _lines(project: str) -> dict[str, dict[str, str]]:
    """Return the fingerprints by file and function of a project; empty for one without an index."""
    return content(project, "lines") if is_indexed(project) else {}
