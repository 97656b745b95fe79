"""Filters over a log table of any size, and the page of rows that a browser is sent."""

import re
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from openstack_rca.errors import UsageError

PAGE = 200
"""Rows that are sent to a browser at once."""
COLUMNS = ("time", "level", "service", "host", "request_id", "message")


@dataclass(frozen=True)
class Filters:
    """What to keep; what is empty lets everything pass. Times are UTC, both ends included."""

    since: datetime | None = None
    until: datetime | None = None
    levels: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    request: str = ""
    template: str = ""
    text: str = ""
    is_regex: bool = False


def chosen(table: pl.DataFrame, filters: Filters) -> pl.DataFrame:
    """Return the records that pass, in the order of the table, cheap filters first.

    Raises UsageError when the text is no regular expression.
    """
    kept = table.lazy().filter(*_cheap(filters)).collect() if _cheap(filters) else table
    if filters.request.strip():
        wanted = filters.request.strip()
        ids = [wanted, f"req-{wanted}"]
        kept = kept.filter(
            pl.col("request_id").is_in(ids)
            | pl.col("global_request_id").is_in(ids)
            | (pl.col("instance") == wanted)
            | pl.col("resources").list.contains(wanted)
        )
    return _with_text(kept, filters) if filters.text else kept


def _cheap(filters: Filters) -> list[pl.Expr]:
    wanted = []
    if filters.since:
        wanted.append(pl.col("time") >= filters.since)
    if filters.until:
        wanted.append(pl.col("time") <= filters.until)
    for column, values in (("level", filters.levels), ("service", filters.services), ("host", filters.hosts)):
        if values:
            wanted.append(
                pl.col(column).cast(pl.String).is_in(values) if column != "level" else pl.col(column).is_in(values)
            )
    if filters.template:
        wanted.append(pl.col("template") == filters.template)
    return wanted


def _with_text(table: pl.DataFrame, filters: Filters) -> pl.DataFrame:
    """Keep records whose message or traceback holds the text, in any case of letters."""
    pattern = f"(?i){filters.text if filters.is_regex else re.escape(filters.text)}"
    try:
        holds = pl.col("message").str.contains(pattern) | pl.col("detail").str.contains(pattern).fill_null(False)
        return table.filter(holds)
    except pl.exceptions.ComputeError as error:
        why = re.search(r"^error: (.*)$", str(error), re.MULTILINE)
        raise UsageError(f"{filters.text!r} is no regular expression: {why[1] if why else error}.") from error
