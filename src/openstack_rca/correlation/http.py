"""API answers -> clues: statuses that an access log did not show before, and calls that changed the cloud."""

import re
from functools import cache
from typing import Any

import polars as pl

from openstack_rca.correlation.access import CALL, STATUS
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.knowledge import read
from openstack_rca.records import Call, Clue, Question

_NAME_OR_ID = r"/(?:[^/]*(?:[-_][^/]*\d|\d{4}|[0-9a-f]{8})[^/]*|\d+\b)"
"""A segment of a route that names one thing: an id, a number, or a name with a number in it (but not v2.1)."""
_CALL = ("service", "method", "route")
_ANSWER = (*_CALL, "status")
_ERROR = 400
_FAILURE_FLOOR = 0.35
"""What an answer of 400 and above keeps of its weight when it comes all the time and no baseline is at hand."""
_ASKED_FLOOR = 0.8
"""The same where the issue names this status: whoever asks does not take it for usual."""
_SEVERAL = 3
"""So many equal answers show from when to when a call is refused, and with that how many came through meanwhile."""
_GROWN = 1.5
"""Up to so many times its share in health an answer is no news."""
_ASKED = 1.5
"""How much more an answer weighs whose status the issue names."""
_RARE = 0.4
"""What an answer weighs that hardly any of the calls since the first of its kind get; one that all get weighs 1."""
_SUREST = 0.9
_MOST = 10
_CHANGE, _UNCOMPARED = 0.3, 0.75
"""What a call that changed the cloud weighs, and what it keeps of that where no baseline tells whether such calls are usual."""


def with_http(table: pl.DataFrame) -> pl.DataFrame:
    """Return the records that are access-log lines, with the columns `method`, `route` (ids as *) and `status`."""
    return (
        table.filter(pl.col("message").str.contains(CALL))
        .with_columns(
            method=pl.col("message").str.extract(CALL, 1),
            route=pl.col("message").str.extract(CALL, 2),
            status=pl.col("message").str.extract(STATUS, 1).cast(pl.Int32),
        )
        .filter(pl.col("status").is_not_null())
        .with_columns(route=pl.col("route").str.replace(r"\?.*$", "").str.replace_all(_NAME_OR_ID, "/*"))
    )


def http_clues(
    table: pl.DataFrame, reference: pl.DataFrame | None, question: Question, graph: ServiceGraph
) -> list[Clue]:
    """Return clues for answers of 400 and above that are new or more frequent, and for calls that changed the cloud.

    `reference` is the baseline; without one the column `novelty` of the table tells what is news.
    """
    now = with_http(table)
    answers = _counted(
        now,
        pl.col("record").head(_MOST).alias("records"),
        pl.col("novelty").mean(),
        pl.col("time").min().alias("first"),
        pl.col("time").max().alias("last"),
    )
    answers = answers.join(_meanwhile(now, answers), on=_ANSWER, how="left", nulls_equal=True)
    if reference is None or reference.is_empty():
        answers = answers.with_columns(share_before=pl.lit(None, pl.Float64))
    else:
        shares = _counted(with_http(reference)).select(*_ANSWER, share_before=pl.col("count") / pl.col("calls"))
        answers = answers.join(shares, on=_ANSWER, how="left", nulls_equal=True)
        answers = answers.with_columns(pl.col("share_before").fill_null(0.0))
    return [c for row in answers.iter_rows(named=True) if (c := _clue(row, question, graph)) is not None]


def _counted(calls: pl.DataFrame, *facts: pl.Expr) -> pl.DataFrame:
    """Return each kind of answer with its `count`, that of all such `calls` whatever the answer, and more facts."""
    numbered = calls.with_columns(calls=pl.len().over(_CALL))
    return numbered.group_by(_ANSWER, maintain_order=True).agg(pl.len().alias("count"), pl.col("calls").first(), *facts)


def _meanwhile(now: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Return of each kind of call that was answered with an error several times how many came from the first to the last of these."""
    several = answers.filter((pl.col("status") >= _ERROR) & (pl.col("count") >= _SEVERAL))
    calls = several.select(*_ANSWER, "first", "last").join(now.select(*_CALL, "time"), on=_CALL, nulls_equal=True)
    return calls.filter(pl.col("time").is_between("first", "last")).group_by(_ANSWER).len("meanwhile")


def _clue(row: dict[str, Any], question: Question, graph: ServiceGraph) -> Clue | None:
    component = graph.component_of(row["service"])
    if row["status"] < _ERROR:
        return _change(row, component)
    meaning = _knowledge()["statuses"].get(row["status"])
    worth = newsworth(
        share=row["count"] / row["calls"],
        meanwhile=row["count"] / (row["meanwhile"] or row["calls"]),
        usual=row["share_before"],
        novelty=row["novelty"],
        is_asked=row["status"] in question.statuses,
    )
    if meaning is None or worth <= 0:
        return None
    call = Call(row["method"], row["route"], row["status"])
    return Clue(
        kind="http",
        key=f"{component}:{call}:{call.status}",
        call=call,
        component=component,
        type=meaning["type"],
        role=meaning["role"],
        weight=min(_SUREST, meaning["weight"] * worth),
        reporter=component,
        statement=f"{component} {meaning['says']}: {call} got {call.status} in {row['count']} of {row['calls']} calls",
        records=tuple(row["records"]),
        count=row["count"],
        first=row["first"],
        last=row["last"],
    )


def newsworth(*, share: float, meanwhile: float, usual: float | None, novelty: float, is_asked: bool) -> float:
    """Return how much of its weight an answer keeps that a `share` of all calls get, of those from its first to its last `meanwhile`.

    `usual` is that share in health; without it (None) its novelty tells what is news. Answers that the issue names count more.
    """
    floor, asked = (_ASKED_FLOOR, _ASKED) if is_asked else (_FAILURE_FLOOR, 1.0)
    news = max(floor, novelty) if usual is None else max(0.0, share - _GROWN * usual) / share
    return news * asked * min(1.0, _RARE + meanwhile)


def _change(row: dict[str, Any], component: str) -> Clue | None:
    call = Call(row["method"], row["route"], row["status"])
    rule = change_by(call)
    if rule is None or row["share_before"]:
        return None
    return Clue(
        kind="call",
        key=f"{component}:{rule['says']}",
        call=call,
        component=component,
        type=rule["type"],
        role="context",
        weight=_CHANGE * (_UNCOMPARED if row["share_before"] is None else 1.0),
        reporter=component,
        statement=f"{rule['says']} ({call}, {row['count']} times)",
        records=tuple(row["records"]),
        count=row["count"],
        first=row["first"],
        last=row["last"],
    )


def change_by(call: Call) -> dict[str, Any] | None:
    """Return the kind of change that a call makes to the cloud; None where it makes none."""
    return next((r for r in changes() if call.method in r["methods"] and re.search(r["route"], call.route)), None)


def changes() -> list[dict[str, Any]]:
    """Return the kinds of call that change the cloud: methods, route, type, what to say, and the failures they lead to."""
    found: list[dict[str, Any]] = _knowledge()["changes"]
    return found


@cache
def _knowledge() -> dict[str, Any]:
    data: dict[str, Any] = read("http.yaml")
    return data
