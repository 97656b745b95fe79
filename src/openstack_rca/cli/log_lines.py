"""Records of the log table, or of a view: chosen by filters, shown as a table to read or as data for programs."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence

import polars as pl

from openstack_rca.cli import output
from openstack_rca.errors import UsageError
from openstack_rca.records import LEVELS
from openstack_rca.reporting.plain import plain
from openstack_rca.reporting.tables import blocks, to_csv, to_json

LINES = (
    "time",
    "service",
    "host",
    pl.col("level").cast(pl.String).replace({"WARNING": "WARN", "CRITICAL": "CRIT"}),
    pl.col("request_id").str.slice(4, 8).alias("request"),
    "message",
)
"""What a table shows of each record; the last column gets the room that is left."""

_LEAST_ROOM = 30  # columns below which a message says too little
_LEAST_NAME = 19  # columns that a service or host gets at least: neutron-dhcp-agent, and a little


def choose(
    table: pl.DataFrame, service: str | None, level: str | None, request_id: str | None, grep: str | None
) -> pl.DataFrame:
    """Return the records that pass all filters (None lets everything pass), those of all files merged by time.

    Raises UsageError when `grep` is no regular expression.
    """
    wanted: list[pl.Expr] = []
    if service:
        name = pl.col("service").cast(pl.String)
        wanted.append((name == service) | name.str.starts_with(f"{service}-"))
    if level:
        wanted.append(pl.col("level").is_in(LEVELS[LEVELS.index(level.upper()) :]))
    if request_id:
        ids = [request_id, f"req-{request_id}"]
        wanted.append(pl.col("request_id").is_in(ids) | pl.col("global_request_id").is_in(ids))
    if grep:
        _check_pattern(grep)
        wanted.append(pl.col("message").str.contains(grep) | pl.col("detail").str.contains(grep))
    chosen = table.filter(*wanted) if wanted else table
    return chosen.sort("time", maintain_order=True)


def _check_pattern(pattern: str) -> None:
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        why = re.search(r"^error: (.*)$", str(error), re.MULTILINE)
        raise UsageError(f"--grep {pattern!r} is no regular expression: {why[1] if why else error}.") from error


def show(table: pl.DataFrame, form: str, columns: Sequence[str | pl.Expr] = LINES) -> None:
    """Write records to standard output as table (of these columns), json, csv or parquet."""
    if form == "parquet":
        _show_parquet(table)
        return
    if table.is_empty():
        output.note("No record passes these filters.")
        if form == "table":
            return
    for block in FORMS[form](table) if form != "table" else _as_table(table, columns):
        sys.stdout.write(block)


def _show_parquet(table: pl.DataFrame) -> None:
    if sys.stdout.isatty():
        raise UsageError("Parquet is binary and not for a terminal; send it to a file with > FILE.")
    table.write_parquet(sys.stdout.buffer)


def _as_table(table: pl.DataFrame, columns: Sequence[str | pl.Expr] = LINES) -> Iterator[str]:
    """Yield a header and one row a record; on a terminal, or where COLUMNS says so, cut to fit."""
    limit = output.line_width()
    days = table.select(columns)["time"].dt.date().drop_nulls().unique()
    one_day = len(days) == 1
    shown = table.select(columns).select(
        pl.col("time").dt.strftime("%H:%M:%S%.3f" if one_day else "%F %H:%M:%S%.3f"),
        pl.exclude("time").cast(pl.String),
    )
    shown = shown.select(name for name in shown.columns if shown[name].null_count() < shown.height)
    *names, last = shown.columns
    longest = shown.select(pl.col(names).str.len_chars().max()).row(0)
    titles = [f"{days[0]:%m-%d} UTC" if one_day and n == "time" else "time (UTC)" if n == "time" else n for n in names]
    widths = [max(len(title), length) for title, length in zip(titles, longest, strict=True)]
    if limit is not None:
        most = max(_LEAST_NAME, limit // 5)
        widths = [w if name == "time" else min(w, most) for name, w in zip(names, widths, strict=True)]
    yield _row([*titles, last], widths, limit)
    for block in blocks(shown.fill_null("-")):
        yield "".join(_row(row, widths, limit) for row in block.iter_rows())


def _row(cells: Sequence[str], widths: Sequence[int], limit: int | None) -> str:
    """Return one row; where the message would have too little room, it gets a line of its own."""
    *fields, message = map(plain, cells)
    if limit is None:
        return f"{' '.join(map(str.ljust, fields, widths))} {message}\n"
    start = " ".join(_ended(cell, width).ljust(width) for cell, width in zip(fields, widths, strict=True))
    room = limit - len(start) - 1
    if room >= _LEAST_ROOM:
        return f"{start} {_ended(message, room)}\n"
    return f"{_ended(start, limit).rstrip()}\n  {_ended(message, limit - 2)}\n"


def _ended(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


FORMS: dict[str, Callable[[pl.DataFrame], Iterator[str]]] = {"table": _as_table, "json": to_json, "csv": to_csv}
"""The forms of records that are text, each yielding parts of it."""
