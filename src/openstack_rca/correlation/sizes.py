"""Answers of an API that are shorter than they ever were in health -> clues: an empty list gets the status 200 too."""

from typing import Any

import polars as pl

from openstack_rca.correlation.http import with_http
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import Clue

_LENGTH = r"\blen: (\d+)|\bgenerated (\d+) bytes|HTTP/1\.[01]\" \d{3} (\d+)\b"
"""How many bytes an answer had, as eventlet, uWSGI and Apache write it."""
_SHORT = 0.6
"""Shorter than this share of the shortest one in health is no chance; half of what is left of an empty list are headers."""
_SEVERAL = 2
_STEADY = 0.8
"""From the first short answer on so many have to be short."""
_WEIGHT = 0.35
_MOST = 5
_KEYS = ("service", "route")
COMPARE = "repeat the call with --debug and compare its answer with what the database holds"
"""What tells whether an answer is wrong whose status is right."""


def shorter_answers(table: pl.DataFrame, baseline: pl.DataFrame | None, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each kind of GET that from some moment on gets less than it ever got in the baseline."""
    if baseline is None:
        return []
    healthy = _lengths(baseline).group_by(_KEYS).agg(pl.col("length").min().alias("least"), pl.len().alias("calls"))
    usual = healthy.filter(pl.col("calls") >= _SEVERAL)
    calls = _lengths(table).join(usual.select(*_KEYS, "least"), on=_KEYS, nulls_equal=True)
    short = calls.with_columns(short=pl.col("length") < _SHORT * pl.col("least"))
    since = short.filter("short").group_by(_KEYS).agg(pl.col("record").min().alias("first"))
    kinds = (
        short.join(since, on=_KEYS, nulls_equal=True)
        .filter(pl.col("record") >= pl.col("first"))
        .group_by(_KEYS, maintain_order=True)
        .agg(
            pl.col("short").mean().alias("share"),
            pl.col("least").first(),
            pl.col("record", "length").filter("short"),
            first=pl.col("time").filter("short").min(),
            last=pl.col("time").filter("short").max(),
        )
        .filter(pl.col("share") >= _STEADY)
    )
    return [_clue(row, graph) for row in kinds.iter_rows(named=True)]


def _lengths(table: pl.DataFrame) -> pl.DataFrame:
    """Return the successful GETs with the column `length` (bytes)."""
    length = pl.coalesce(pl.col("message").str.extract(_LENGTH, group) for group in (1, 2, 3)).cast(
        pl.Int64, strict=False
    )
    answered = with_http(table).filter((pl.col("method") == "GET") & (pl.col("status") == 200))
    return answered.with_columns(length=length).filter(pl.col("length") > 0)


def _clue(row: dict[str, Any], graph: ServiceGraph) -> Clue:
    component = graph.component_of(row["service"])
    return Clue(
        kind="size",
        key=f"{component}:{row['route']}",
        component=component,
        type="bug",
        weight=_WEIGHT,
        reporter=component,
        statement=(
            f"{component} answers GET {row['route']} with {row['length'][-1]:,} bytes, in health never with fewer than "
            f"{row['least']:,}"
        ),
        records=tuple(row["record"][:_MOST]),
        count=len(row["record"]),
        first=row["first"],
        last=row["last"],
        look_next=(COMPARE,),
    )
