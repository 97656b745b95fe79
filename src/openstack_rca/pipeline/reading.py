"""Paths -> log table: sources and parser joined, and the way back from a record to its line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from openstack_rca.contracts import RawFile
from openstack_rca.correlation import said_by_command
from openstack_rca.diagnosis import CitedLine
from openstack_rca.errors import InputError, NothingToRead
from openstack_rca.parsing import LogParser
from openstack_rca.records import Logs
from openstack_rca.settings import Settings
from openstack_rca.signatures import load_signatures, telling_line
from openstack_rca.sources import PathSource

_LONGEST_LINE = 1 << 20
_FRAME = re.compile(r'File "[^"\n]+", line \d+, in \S+')
_SAYS_NOTHING = re.compile(r"(?i)[\W\d]*(?:(?:refer to|see|background on this error at)\b:? *https?://\S*.*)?")
"""A line that has no word, or only points to a page of a manual."""
_TELLING, _FURTHEST = 80, 400
"""So many characters tell a conclusion, and it is looked for so many lines below its record."""


def read_logs(paths: Sequence[Path], settings: Settings, *, must_hold_records: bool = True) -> Logs:
    """Return all records of the files below `paths`.

    Raises InputError for a path that cannot be used, NothingToRead when no record came out of them.
    """
    source = PathSource(paths)
    logs = LogParser(timezone=settings.timezone).parse(source.files())
    logs = Logs(logs.table, logs.files, (*logs.skipped, *source.skipped))
    if must_hold_records and logs.table.is_empty():
        named = ", ".join(map(str, paths))
        reasons = "; ".join(f"{s.file}: {s.reason}" for s in logs.skipped[:3])
        raise NothingToRead(f"No log record was recognised in {named}" + (f" ({reasons})." if reasons else "."))
    return logs


def written() -> pl.Expr:
    """Return when a record was written: its time, or that of its neighbours in the file; null in files without any time."""
    return pl.col("time").forward_fill().backward_fill().over("file", order_by="line")


def within(table: pl.DataFrame, since: datetime | None, until: datetime | None) -> pl.DataFrame:
    """Return the records of a time window (UTC, both ends included).

    A record without a time lies where its neighbours in the file do; those of files without any time stay.
    Raises InputError when the window holds no record.
    """
    if since is None and until is None:
        return table
    early = written() < since if since else pl.lit(value=False)
    late = written() > until if until else pl.lit(value=False)
    kept = table.filter((early | late).fill_null(value=False).not_())
    if kept.is_empty():
        first, last = table["time"].min(), table["time"].max()
        where = f"between {since} and {until}" if since and until else f"after {since}" if since else f"before {until}"
        raise InputError(f"No record lies {where}; the logs go from {first!s} to {last!s} (UTC).")
    return kept


def span(table: pl.DataFrame) -> tuple[datetime, datetime] | None:
    """Return the first and the last time of a table (UTC); None when no record has one."""
    first, last = table["time"].min(), table["time"].max()
    return (first, last) if isinstance(first, datetime) and isinstance(last, datetime) else None


def from_level(table: pl.DataFrame, level: str | None) -> pl.DataFrame:
    """Return the records of a level and above; all when none is given."""
    return table.filter(pl.col("level") >= level) if level else table


def cite(paths: Sequence[Path], table: pl.DataFrame, records: Sequence[int]) -> dict[int, CitedLine]:
    """Return the lines of records as they stand in their files, read again from there."""
    below = pl.when(pl.col("lines") > 1).then("detail").fill_null("")
    wanted = table.filter(pl.col("record").is_in(list(records))).select(
        "record", "file", "line", pl.col("service").cast(pl.String), "message", below.alias("detail")
    )
    by_file: dict[str, list[_Wanted]] = {}
    for record, file, line, service, message, detail in wanted.sort("line").iter_rows():
        conclusion = _conclusion(service, message, detail)
        by_file.setdefault(file, []).append(_Wanted(record, line, conclusion, _frames(detail)))
    found: dict[int, CitedLine] = {}
    for raw in PathSource(paths).files():
        if lines := by_file.pop(raw.name, None):
            found.update(_lines(raw, lines))
        if not by_file:
            break
    return found


@dataclass(frozen=True)
class _Wanted:
    record: int
    line: int
    conclusion: bytes | None
    frames: tuple[bytes, ...]


def _conclusion(service: str | None, message: str, detail: str) -> bytes | None:
    """Return how the line that concludes a record's detail begins, unless the message says the same.

    It is the one that a signature knows, or what a command that failed said, else the last line that says something; of a
    database's error not the statement.
    """
    below = detail.rpartition('File "')[2].split("\n[SQL: ")[0]
    told = [line.strip() for line in below.split("\n") if not _SAYS_NOTHING.fullmatch(line)]
    known = telling_line(load_signatures(), service, message, detail) or said_by_command(detail)
    last = (known or "".join(told[-1:])).strip()[:_TELLING]
    return last.encode() if last and last not in message else None


def _frames(detail: str) -> tuple[bytes, ...]:
    return tuple(frame.encode() for frame in _FRAME.findall(detail))


def _lines(raw: RawFile, wanted: Sequence[_Wanted]) -> dict[int, CitedLine]:
    """Read a file up to the last wanted line and return the wanted ones with their conclusions, by record."""
    starts = {w.line: w for w in wanted}
    last = max(starts)
    found: dict[int, CitedLine] = {}
    pending: dict[int, _Wanted] = {}
    for number, line in enumerate(_read_lines(raw), 1):
        for record, want in list(pending.items()):
            concludes = want.conclusion is not None and want.conclusion in line
            if concludes:
                found[record] = replace(found[record], conclusion=CitedLine(number, _text(line)))
            elif line.rstrip().endswith(want.frames):
                found[record] = replace(found[record], frames=(*found[record].frames, CitedLine(number, _text(line))))
            ends = want.frames[-1:] if want.conclusion is None else ()
            if concludes or number > want.line + _FURTHEST or (ends and line.rstrip().endswith(ends)):
                del pending[record]
        if here := starts.get(number):
            found[here.record] = CitedLine(number, _text(line))
            if here.conclusion or here.frames:
                pending[here.record] = here
        if number >= last and not pending:
            break
    return found


def _read_lines(raw: RawFile) -> Iterator[bytes]:
    """Yield the lines of a file; of a line longer than `_LONGEST_LINE` only about that much, so that none fills memory.

    A file that ends early yields what stands before the damage: the parser has counted the rest.
    """
    pending, size = [b""], 0
    try:
        for chunk in raw.chunks():
            first, *others = chunk.split(b"\n")
            if size < _LONGEST_LINE:
                pending.append(first)
                size += len(first)
            if others:
                yield b"".join(pending)
                *complete, rest = others
                yield from complete
                pending, size = [rest], len(rest)
    except InputError:
        pass
    if size:
        yield b"".join(pending)


def _text(line: bytes) -> str:
    line = line[:_LONGEST_LINE].rstrip(b"\r\n")
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
