"""Durations that the lines themselves tell -> clues: what takes much longer than in health."""

from typing import Any

import polars as pl

from openstack_rca.correlation.change import KEY
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import Clue

_TOLD = (
    r"(?:\" \d{3} \d+ |\btime: |\bin |\bTook |\bafter |\btook |\belapsed |\bwaited |\bheld )"
    r"(\d+(?:\.\d+)? ?(?:msecs?|ms|seconds?|secs?|s)\b|\d+\.\d+)"
)
_TIMES, _SECONDS, _FEWEST = 3.0, 1.0, 3
"""Slow is at least three times as long as in health, a second longer, and seen three times."""
_WEIGHT = 0.3
_MOST = 5


def with_seconds(table: pl.DataFrame) -> pl.DataFrame:
    """Return the records that tell how long something took, with the column `seconds`.

    A figure without a unit counts as seconds where it has decimals (as in access lines: "time: 0.1234567", and those of
    eventlet.wsgi: status, length, seconds).
    """
    told = pl.col("message").str.extract(_TOLD, 1)
    return table.filter(pl.col("message").str.contains(_TOLD)).with_columns(
        seconds=told.str.extract(r"([\d.]+)").cast(pl.Float64)
        * pl.when(told.str.contains("m", literal=True)).then(0.001).otherwise(1.0)
    )


def slow_clues(table: pl.DataFrame, baseline: pl.DataFrame | None, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each kind of line whose median duration is far above that of the baseline; none without one."""
    if baseline is None or baseline.is_empty():
        return []
    usual = with_seconds(baseline).group_by(KEY).agg(pl.col("seconds").median().alias("usual"))
    slower = (
        with_seconds(table)
        .group_by(KEY, maintain_order=True)
        .agg(
            pl.col("seconds").median(),
            pl.len().alias("count"),
            pl.col("record").sort_by("seconds", descending=True).head(_MOST).alias("records"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            pl.col("message").first(),
        )
        .join(usual, on=KEY, nulls_equal=True)
        .filter(
            pl.col("count") >= _FEWEST,
            pl.col("seconds") > _TIMES * pl.col("usual"),
            pl.col("seconds") > pl.col("usual") + _SECONDS,
        )
        .sort("seconds", descending=True)
    )
    return [_clue(row, graph.component_of(row["service"])) for row in slower.iter_rows(named=True)]


def _clue(row: dict[str, Any], component: str) -> Clue:
    return Clue(
        kind="latency",
        key=f"{component}:{row['template']}",
        component=component,
        type="timeout",
        role="symptom",
        weight=_WEIGHT,
        reporter=component,
        statement=f"{component} takes {row['seconds']:.1f} s where it took {row['usual']:.1f} s in health: "
        f"{row['message'][:100]}",
        records=tuple(row["records"]),
        count=row["count"],
        first=row["first"],
        last=row["last"],
    )
