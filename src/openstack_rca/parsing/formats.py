"""Log formats as data: one YAML file each in knowledge/formats, with samples that must come out as they say."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from openstack_rca import knowledge
from openstack_rca.errors import KnowledgeError

COLUMNS = (
    "time pid level logger context instance message host program request_id global_request_id user project "
    "function path number detail"
).split()
"""What a format may capture; every group of a regex bears one of these names."""

Zone = Literal["assumed", "UTC", "offset"]


@dataclass(frozen=True)
class Continuation:
    """Which further lines belong to a record.

    `plain`: lines without any header join the record before them. `same`: a line with a header, but without the
    group `unless`, joins the last record that has the same values in these groups; `levels` limits this.
    """

    plain: bool = True
    same: tuple[str, ...] = ()
    unless: str | None = None
    levels: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Format:
    """One log format; `finder` gives one tuple for every line of a block, empty in front when it does not match."""

    id: str
    title: str
    finder: re.Pattern[str]
    groups: tuple[str, ...]
    times: tuple[str, ...]
    zone: Zone
    levels: Mapping[str, str]
    service: str | None
    continuation: Continuation
    rank: int
    place: frozenset[str]
    inner: bool
    samples: tuple[Mapping[str, Any], ...]


@cache
def load_formats() -> tuple[Format, ...]:
    """Return all formats, the most specific first.

    Raises KnowledgeError when a file is not a format.
    """
    formats = [_format(path.stem, content) for path, content in knowledge.read_folder("formats")]
    return tuple(sorted(formats, key=lambda f: (f.rank, f.id)))


def _format(name: str, content: Any) -> Format:
    try:
        regex = "".join(content["regex"]).replace("[^", r"[^\n")
        if content["id"] != name:
            raise KnowledgeError(f"The format file {name}.yaml holds the id {content['id']!r}.")
        if re.search(r"\\[sDW]", regex):
            raise KnowledgeError(rf"The format {name} uses \s, \D or \W, which reach over the end of a line.")
        finder = re.compile(rf"(?:{regex}|(.*))\n")
        return Format(
            id=name,
            title=content["title"],
            finder=finder,
            groups=_groups(name, finder),
            times=tuple(content.get("time", ())),
            zone=content.get("zone", "assumed"),
            levels=content.get("levels", {}),
            service=content.get("service"),
            continuation=_continuation(content.get("continuation", {})),
            rank=content.get("rank", 5),
            place=frozenset(content.get("place", ["line", "inner"])),
            inner=content.get("inner", False),
            samples=tuple(content["samples"]),
        )
    except (KeyError, TypeError, AttributeError, re.error) as error:
        raise KnowledgeError(f"The format file {name}.yaml is wrong: {error!r}.") from error


def _groups(name: str, finder: re.Pattern[str]) -> tuple[str, ...]:
    by_number = {number: group for group, number in finder.groupindex.items()}
    groups = tuple(by_number.get(number, "") for number in range(1, finder.groups))
    wrong: Iterable[str] = [g for g in groups if g.rstrip("2") not in COLUMNS]
    if wrong:
        raise KnowledgeError(f"The format {name} captures {sorted(wrong)}, but only named {COLUMNS} are known.")
    return groups


def _continuation(content: Mapping[str, Any]) -> Continuation:
    return Continuation(
        plain=content.get("plain", True),
        same=tuple(content.get("same", ())),
        unless=content.get("unless"),
        levels=frozenset(content.get("levels", ())),
    )
