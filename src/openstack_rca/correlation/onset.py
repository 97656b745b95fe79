"""Records -> how much fails in them, and when that set in: the point in time that splits it best into a before and an after."""

from datetime import datetime, timedelta

import polars as pl

from openstack_rca.correlation.change import KEY
from openstack_rca.correlation.times import bounds, duration, earliest

_FAILURE_MASS = {"WARNING": 0.2, "ERROR": 1.0, "CRITICAL": 1.5}
_BUCKETS = 240
"""Into so many equal parts the time of the logs is cut."""
_SHORTEST_BEFORE = 0.04
"""A change point must leave at least this share of the time before it to call that time a reference."""
_RISE = 2
"""So many times as much must fail after a change point as before it."""


def failure_mass() -> pl.Expr:
    """Return what a record counts as a failure by its level: 0 below WARNING, 1 for an ERROR."""
    return pl.col("level").cast(pl.String).replace_strict(_FAILURE_MASS, default=0.0, return_dtype=pl.Float64)


def onset(table: pl.DataFrame) -> datetime | None:
    """Return when failures set in: the change point that splits the failure mass best into two Poisson rates.

    The table needs `time`, `level` and `novelty`. None when nothing fails, or when the failures begin with the logs.
    Method: maximum likelihood of a single change in rate.
    """
    mass = failure_mass() * pl.col("novelty")
    failing = table.select("time", "template", "service", mass=mass).drop_nulls("time").filter(pl.col("mass") > 0)
    if failing.is_empty():
        return None
    (start, _), width = bounds(table["time"]), duration(table) / _BUCKETS
    bucket = (
        ((pl.col("time") - start).dt.total_microseconds() / 1e6 / width).floor().clip(0, _BUCKETS - 1).cast(pl.Int32)
    )
    per = (
        failing.with_columns(bucket=bucket)
        .group_by("bucket", *KEY, maintain_order=True)
        .agg(pl.col("mass").max() * pl.len().log1p())
    )
    series = per.group_by("bucket").agg(pl.col("mass").sum())
    frame = pl.DataFrame({"bucket": range(_BUCKETS)}, schema={"bucket": pl.Int32})
    series = frame.join(series, on="bucket", how="left").with_columns(pl.col("mass").fill_null(0.0))
    before = series["mass"].cum_sum().shift(1).fill_null(0.0)
    return _change_point(series.with_columns(before=before), start, width, failing)


def _change_point(series: pl.DataFrame, start: datetime, width: float, failing: pl.DataFrame) -> datetime | None:
    """Return the first failure after the change point of a series of buckets, each `width` seconds; None without a rise."""
    total = float(series["mass"].sum())
    n, a = pl.col("bucket").cast(pl.Float64), pl.col("before")
    rate_before, rate_after = (a + 0.1) / (n + 0.5), (total - a + 0.1) / (_BUCKETS - n + 0.5)
    gain = a * rate_before.log() + (total - a) * rate_after.log()
    usable = series.filter(n >= _SHORTEST_BEFORE * _BUCKETS, rate_after > _RISE * rate_before)
    if usable.is_empty():
        return None
    best = usable.with_columns(gain=gain).sort("gain", "bucket", descending=[True, False]).row(0, named=True)
    edge = start + timedelta(seconds=best["bucket"] * width)
    return earliest(failing.filter(pl.col("time") >= edge)["time"]) or edge
