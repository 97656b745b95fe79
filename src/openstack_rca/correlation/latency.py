"""Durations that the lines themselves tell -> clues: what takes much longer than in health."""

import polars as pl

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import Clue

_TOLD = (
    r"(?:\" \d{3} \d+ |\btime: |\bin |\bTook |\bafter |\btook |\belapsed |\bwaited |\bheld )"
    r"(\d+(?:\.\d+)? ?(?:msecs?|ms|seconds?|secs?|s)\b|\d+\.\d+)"
)
_KEY = ["service", "template"]
_TIMES, _SECONDS, _FEWEST = 3.0, 1.0, 3
"""Slow is at least three times as long as in health, a second longer, and seen three times."""


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
    usual = with_seconds(baseline).group_by(_KEY).agg(pl.col("seconds").median().alias("usual"))
    now = (
        with_seconds(table)
        .group_by(_KEY, maintain_order=True)
        .agg(
            pl.col("seconds").median(),
            pl.len().alias("count"),
            pl.col("record").sort_by("seconds", descending=True).head(5).alias("records"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            pl.col("message").first(),
        )
        .join(usual, on=_KEY, nulls_equal=True)
        .filter(
            pl.col("count") >= _FEWEST,
            pl.col("seconds") > _TIMES * pl.col("usual"),
            pl.col("seconds") > pl.col("usual") + _SECONDS,
        )
        .sort("seconds", descending=True)
    )
    clues = []
    for r in now.iter_rows(named=True):
        component = graph.component_of(r["service"])
        clues.append(
            Clue(
                kind="latency",
                key=f"{component}:{r['template']}",
                component=component,
                host=None,
                type="timeout",
                role="symptom",
                weight=0.3,
                reporter=component,
                statement=f"{component} takes {r['seconds']:.1f} s where it took {r['usual']:.1f} s in health: "
                f"{r['message'][:100]}",
                records=tuple(r["records"]),
                count=r["count"],
                first=r["first"],
                last=r["last"],
            )
        )
    return clues
