"""Which of a user's operations an issue is about, and which requests were another one: two incidents may hurt one service."""

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import polars as pl

from openstack_rca.correlation.http import with_http
from openstack_rca.knowledge import read
from openstack_rca.records import Question


class _Operation(NamedTuple):
    """The words of issues that mean an operation, and the call ("POST /v2.1/servers") by which a user does it."""

    verb: re.Pattern[str]
    thing: re.Pattern[str]
    call: str


def of_other_operations(table: pl.DataFrame, question: Question) -> set[str]:
    """Return the roots of the requests that are an operation which the issue is not about; none when it names no operation.

    Requests that no access line shows as any operation are of none.
    """
    text = question.text.lower()
    asked = [o.call for o in _operations() if o.verb.search(text) and o.thing.search(text)]
    if not asked:
        return set()
    calls = with_http(table.filter(pl.col("root").is_not_null())).with_columns(
        call=pl.concat_str("method", "route", separator=" ")
    )
    others = [o.call for o in _operations() if o.call not in asked]
    known = calls.group_by("root").agg(asked=_is_any(asked).any(), other=_is_any(others).any())
    return set(known.filter(pl.col("other") & ~pl.col("asked"))["root"].to_list())


def _is_any(calls: Iterable[str]) -> pl.Expr:
    return pl.col("call").str.contains("|".join(f"^(?:{call})" for call in calls))


@cache
def _operations() -> tuple[_Operation, ...]:
    return tuple(
        _Operation(re.compile(rf"\b(?:{o['verb']})\b"), re.compile(rf"\b(?:{o['thing']})\b"), o["call"])
        for o in read("http.yaml")["operations"]
    )
