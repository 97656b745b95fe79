"""API answers -> clues: statuses that an access log did not show before, and calls that changed the cloud."""

import re
from datetime import datetime
from functools import cache
from typing import Any

import polars as pl

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.knowledge import read
from openstack_rca.records import Clue, Question

_REQUEST = r"(?:^|[\s\"])(GET|POST|PUT|DELETE|PATCH|HEAD) (?:https?://[^/\s]+)?(/[^\s\"]*)"
_STATUS = r"(?:HTTP/1\.[01]\"? |status: |HTTP/1\.[01]\" status: |\(HTTP/1\.[01] )(\d{3})\b"


_NAME_OR_ID = r"/(?:[^/]*(?:[-_][^/]*\d|\d{4}|[0-9a-f]{8})[^/]*|\d+\b)"
"""A segment of a route that names one thing: an id, a number, or a name with a number in it (but not v2.1)."""


_FAILURE_FLOOR = 0.35
"""What an answer of 400 and above keeps of its weight when it comes all the time and no baseline is at hand."""
_ASKED_FLOOR = 0.8
"""The same where the issue names this status: whoever asks does not take it for usual."""
_SEVERAL = 3
"""So many equal answers show from when to when a call is refused, and with that how many came through meanwhile."""
_CHANGE, _UNCOMPARED = 0.3, 0.75
"""What a call that changed the cloud weighs, and what it keeps of that where no baseline tells whether such calls are usual."""


def with_http(table: pl.DataFrame) -> pl.DataFrame:
    """Return the records that are access-log lines, with the columns `method`, `route` (ids as *) and `status`."""
    return (
        table.filter(pl.col("message").str.contains(r"(?:GET|POST|PUT|DELETE|PATCH|HEAD) \S*/"))
        .with_columns(
            method=pl.col("message").str.extract(_REQUEST, 1),
            route=pl.col("message").str.extract(_REQUEST, 2),
            status=pl.col("message").str.extract(_STATUS, 1).cast(pl.Int32, strict=False),
        )
        .filter(pl.col("status").is_not_null() & pl.col("route").is_not_null())
        .with_columns(route=pl.col("route").str.replace(r"\?.*$", "").str.replace_all(_NAME_OR_ID, "/*"))
    )


def http_clues(
    table: pl.DataFrame, reference: pl.DataFrame | None, question: Question, graph: ServiceGraph
) -> list[Clue]:
    """Return clues for answers of 400 and above that are new or more frequent, and for calls that changed the cloud.

    `reference` is the baseline; without one the column `novelty` of the table tells what is news.
    """
    now = with_http(table)
    if now.is_empty():
        return []
    before = with_http(reference) if reference is not None and not reference.is_empty() else None
    keys = ["service", "method", "route", "status"]
    groups = now.group_by(keys, maintain_order=True).agg(
        pl.len().alias("count"),
        pl.col("record").head(10).alias("records"),
        pl.col("novelty").mean(),
        pl.col("time").min().alias("first"),
        pl.col("time").max().alias("last"),
    )
    totals = now.group_by(keys[:3]).len("calls")
    groups = groups.join(totals, on=keys[:3], nulls_equal=True).join(
        _meanwhile(now, groups), on=keys, how="left", nulls_equal=True
    )
    if before is None:
        groups = groups.with_columns(share_before=pl.lit(None, pl.Float64))
    else:
        old = (
            before.group_by(keys)
            .len("old")
            .join(before.group_by(keys[:3]).len("old_calls"), on=keys[:3], nulls_equal=True)
        )
        groups = groups.join(old, on=keys, how="left", nulls_equal=True).with_columns(
            share_before=(pl.col("old") / pl.col("old_calls")).fill_null(0.0)
        )
    return [c for row in groups.iter_rows(named=True) if (c := _clue(row, question, graph)) is not None]


def _meanwhile(now: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Return of each kind of call that was answered with an error several times how many came from the first to the last of these."""
    keys = ["service", "method", "route"]
    several = groups.filter((pl.col("status") >= 400) & (pl.col("count") >= _SEVERAL))
    calls = several.select(*keys, "status", "first", "last").join(now.select(*keys, "time"), on=keys, nulls_equal=True)
    return calls.filter(pl.col("time").is_between("first", "last")).group_by(*keys, "status").len("meanwhile")


def _clue(row: dict[str, Any], question: Question, graph: ServiceGraph) -> Clue | None:
    component = graph.component_of(row["service"])
    if row["status"] < 400:
        return _change(row, component)
    meaning = _knowledge()["statuses"].get(row["status"])
    share = row["count"] / row["calls"]
    since_then = row["count"] / (row["meanwhile"] or row["calls"])
    before = row["share_before"]
    named = row["status"] in question.statuses
    floor = _ASKED_FLOOR if named else _FAILURE_FLOOR
    news = max(floor, row["novelty"]) if before is None else max(0.0, share - 1.5 * before) / share
    if meaning is None or news <= 0:
        return None
    asked = 1.5 if named else 1.0
    call = f"{row['method']} {row['route']}"
    return Clue(
        kind="http",
        key=f"{component}:{call}:{row['status']}",
        component=component,
        host=None,
        type=meaning["type"],
        role=meaning["role"],
        weight=min(0.9, meaning["weight"] * news * asked * min(1.0, 0.4 + since_then)),
        reporter=component,
        statement=f"{component} {meaning['says']}: {call} got {row['status']} in {row['count']} of {row['calls']} calls",
        records=tuple(row["records"]),
        count=row["count"],
        first=_time(row["first"]),
        last=_time(row["last"]),
    )


def _change(row: dict[str, Any], component: str) -> Clue | None:
    for rule in changes():
        if row["method"] in rule["methods"] and re.search(rule["route"], row["route"]) and not row["share_before"]:
            return Clue(
                kind="change",
                key=f"{component}:{rule['says']}",
                component=component,
                host=None,
                type=rule["type"],
                role="context",
                weight=_CHANGE * (_UNCOMPARED if row["share_before"] is None else 1.0),
                reporter=component,
                statement=f"{rule['says']} ({row['method']} {row['route']}, {row['count']} times)",
                records=tuple(row["records"]),
                count=row["count"],
                first=_time(row["first"]),
                last=_time(row["last"]),
            )
    return None


def changes() -> list[dict[str, Any]]:
    """Return the kinds of call that change the cloud: methods, route, type, what to say, and the failures they lead to."""
    found: list[dict[str, Any]] = _knowledge()["changes"]
    return found


def _time(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


@cache
def _knowledge() -> dict[str, Any]:
    data: dict[str, Any] = read("http.yaml")
    return data
