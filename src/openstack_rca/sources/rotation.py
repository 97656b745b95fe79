"""Puts rotated files in order, oldest first, so that a program's lines follow each other."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Protocol, TypeVar

_PACKED = re.compile(r"\.(gz|bz2|xz|zst|tgz)$", re.I)
_DATE = re.compile(
    r"[._-]((?:19|20)\d\d)-?(0[1-9]|1[0-2])-?([0-3]\d)(?:[T_-]?(\d\d[:.-]?\d\d(?:[:.-]?\d\d)?|\d\d|\d{10}))?(?!\d)"
)
_NUMBER = re.compile(r"\.(\d{1,4}|old)(?=$|\.(?:log|txt|out|err)$)")
_NEWEST = ("~", 1)


class Named(Protocol):
    """Anything with a file name."""

    @property
    def name(self) -> str:
        """Path with `/` between its parts."""


_Named = TypeVar("_Named", bound=Named)


def rotation_of(name: str) -> tuple[str, tuple[str, int]]:
    """Return the name that a file's rotations share, and a key by which these sort, oldest first.

    A dated file is older than a numbered one, and the file without either is the newest. A higher number is older
    (logrotate), but beside a date it is newer (logback).
    """
    folder, _, own = name.rpartition("/")
    own = _PACKED.sub("", own)
    dates = list(_DATE.finditer(own))
    date = "".join(re.sub(r"\D", "", part) for part in dates[-1].groups() if part) if dates else ""
    if dates:
        own = own[: dates[-1].start()] + own[dates[-1].end() :]
    number = _NUMBER.search(own)
    if number:
        own = own[: number.start()] + own[number.end() :]
    value = int(number[1].replace("old", "1")) if number else None
    if date:
        return f"{folder}/{own}", (date, value or 0)
    return f"{folder}/{own}", _NEWEST if value is None else ("~", -value)


def in_rotation_order(files: Iterable[_Named]) -> list[_Named]:
    """Return files by folder and name, the rotations of one file oldest first."""

    def key(file: _Named) -> tuple[tuple[str, ...], str, tuple[str, int], str]:
        shared, age = rotation_of(file.name)
        return PurePosixPath(file.name).parent.parts, shared, age, file.name

    return sorted(files, key=key)


def in_stream_order(
    files: list[_Named], size: Callable[[_Named], int], hold: Callable[[_Named], _Named], budget: int
) -> Iterator[_Named]:
    """Yield files as they come, but the rotations of one file oldest first.

    A file that must wait for an older one is held in memory while the budget (bytes) allows it; the others wait for
    another pass over the stream.
    """
    queues: dict[str, list[_Named]] = defaultdict(list)
    for file in in_rotation_order(files):
        queues[rotation_of(file.name)[0]].append(file)
    held: dict[str, _Named] = {}
    while files:
        later = []
        for file in files:
            queue = queues[rotation_of(file.name)[0]]
            if queue[0] is not file:
                if size(file) <= budget:
                    budget -= size(file)
                    held[file.name] = hold(file)
                else:
                    later.append(file)
                continue
            yield queue.pop(0)
            while queue and queue[0].name in held:
                budget += size(queue[0])
                yield held.pop(queue.pop(0).name)
        files = later
