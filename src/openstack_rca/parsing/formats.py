"""Log formats as data: one YAML file each in knowledge/formats, with samples that must come out as they say."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from openstack_rca import knowledge
from openstack_rca.errors import KnowledgeError

COLUMNS = tuple(
    "time pid level logger context instance message host program request_id global_request_id user project "  # noqa: SIM905
    "function path number detail mark".split()
)
"""What a format may capture. Every group of a regex bears one of these names; a 2 at its end marks the same column in
another branch, and `mark` is a group that only tells that the line matches."""

Zone = Literal["assumed", "UTC", "offset"]


@dataclass(frozen=True)
class Continuation:
    """Which further lines belong to a record.

    `plain`: lines without any header join the record before them. `same`: a line with a header joins the last record
    that has the same values in these groups; not if it has the group `unless`, and only if it is of one of the
    `levels` and its message goes on from the one before (`indented`), where these are given.
    """

    plain: bool = True
    same: tuple[str, ...] = ()
    unless: str | None = None
    levels: frozenset[str] = frozenset()
    indented: bool = False
    weak: bool = False


@dataclass(frozen=True)
class Format:
    """One log format; `finder` gives one tuple for every line of a block, whose last part is the line if none matched.

    `mark` is the position in the tuple of a group that is never empty when the format matches.
    """

    id: str
    title: str
    regex: str
    finder: re.Pattern[str]
    mark: int
    groups: tuple[str, ...]
    times: tuple[str, ...]
    zone: Zone
    levels: Mapping[str, str]
    service: str | None
    continuation: Continuation
    rank: int
    place: frozenset[str]
    inner: bool
    fields: Mapping[str, Sequence[str]]
    samples: tuple[Mapping[str, Any], ...]

    @property
    def last_resort(self) -> bool:
        """Whether it is tried only on files in which no other format recognises most of the lines."""
        return self.rank >= 9


@cache
def load_formats() -> tuple[Format, ...]:
    """Return all formats, the most specific first.

    Raises KnowledgeError, naming every file that is not a format or whose regex does not match its own samples.
    """
    formats, wrong = [], []
    for path, content in knowledge.read_folder("formats"):
        try:
            formats.append(_format(path.stem, content))
        except KnowledgeError as error:
            wrong.append(str(error))
    if wrong:
        raise KnowledgeError(" ".join(wrong))
    return tuple(sorted(formats, key=lambda f: (f.rank, f.id)))


def detector(formats: Sequence[Format]) -> re.Pattern[str]:
    """Return a pattern that matches every line of a text; its `lastindex` is the number of the first format, from 1.

    It is None for a line of no format.
    """
    branches = "|".join(f"(?={re.sub(r'[(][?]P<[a-z]+2*>', '(?:', fmt.regex)}\n)()" for fmt in formats)
    return re.compile(rf"(?:{branches}|).*\n", re.ASCII)


def _format(name: str, content: Any) -> Format:
    try:
        regex = "".join(content["regex"]).replace("[^", r"[^\n")
        if content["id"] != name:
            raise KnowledgeError(f"The format file {name}.yaml holds the id {content['id']!r}.")
        if re.search(r"\\[sDW]", regex):
            raise KnowledgeError(rf"The format {name} uses \s, \D or \W, which reach over the end of a line.")
        finder = re.compile(rf"(?:{regex}|(.*))\n", re.ASCII)
        return Format(
            id=name,
            title=content["title"],
            regex=regex,
            finder=finder,
            mark=_mark(name, finder, [sample["line"] for sample in content["samples"] if "expect" in sample]),
            groups=_groups(name, finder),
            times=tuple(content.get("time", ())),
            zone=content.get("zone", "assumed"),
            levels=content.get("levels", {}),
            service=content.get("service"),
            continuation=_continuation(content.get("continuation", {})),
            rank=content.get("rank", 5),
            place=frozenset(content.get("place", ["line", "inner"])),
            inner=content.get("inner", False),
            fields=content.get("fields", {}),
            samples=tuple(content["samples"]),
        )
    except (KeyError, TypeError, AttributeError, re.error) as error:
        raise KnowledgeError(f"The format file {name}.yaml is wrong: {error!r}.") from error


def _mark(name: str, finder: re.Pattern[str], lines: Sequence[str]) -> int:
    if not lines:
        raise KnowledgeError(f"The format {name} has no sample that says what it expects.")
    found = [finder.findall(f"{line}\n") for line in lines]
    for number, line in enumerate(lines):
        if len(found[number]) != 1 or found[number][0][-1]:
            raise KnowledgeError(f"The format {name} does not match its sample {line!r}.")
    for position in range(finder.groups - 1):
        if all(rows[0][position] for rows in found):
            return position
    raise KnowledgeError(f"The format {name} has no group that is filled in all of its samples.")


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
        indented=content.get("indented", False),
        weak=content.get("weak", False),
    )
