"""Log table -> episodes: the times at which failures come together, apart by quiet longer than any timer of OpenStack."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from openstack_rca.correlation.change import KEY
from openstack_rca.correlation.onset import failure_mass
from openstack_rca.correlation.times import earliest, latest
from openstack_rca.records import LONGEST_TIMER

_SETTLING = timedelta(seconds=120)
"""So long after its last failure lines still belong to an episode: reconnects, retries, reports of who is back."""
_FAILING = 0.15
"""From which mass on a line is a failure: a warning or worse that is news."""
_LEAST = 1.0
"""The mass of an episode: a single error that is new, or five such warnings."""
_ALIKE = 0.6
"""Share of the kinds of failure that the episode before has seen, from which on both are one."""


@dataclass(frozen=True)
class Episode:
    """A time of failures; `begin` and `end` (UTC) also hold the quiet before it, in which its cause may lie, and its settling."""

    begin: datetime
    first: datetime | None
    last: datetime | None
    end: datetime


def episodes(table: pl.DataFrame) -> list[Episode]:
    """Return the episodes of a table in order of time, which together cover all of it; the last may be quiet.

    The table needs `time`, `level`, `service`, `template` and `novelty`. A table without times, or with failures at one
    time only, is one episode.
    """
    start, stop = earliest(table["time"]), latest(table["time"])
    if not start or not stop:
        return []
    bursts = _together(_failures(table))
    if not bursts:
        return [Episode(start, None, None, stop)]
    found, begin = [], start
    for burst in bursts:
        end = burst.last + _SETTLING
        found.append(Episode(begin, burst.first, burst.last, end))
        begin = end
    if stop > bursts[-1].last + LONGEST_TIMER:
        return [*found, Episode(begin, None, None, stop)]
    return [*found[:-1], replace(found[-1], end=stop)]


@dataclass(frozen=True)
class _Burst:
    first: datetime
    last: datetime
    kinds: frozenset[tuple[str, str]]


def _failures(table: pl.DataFrame) -> list[_Burst]:
    """Return the bursts of failures, apart by quiet."""
    failing = (
        table.select("time", *KEY, mass=failure_mass() * pl.col("novelty"))
        .drop_nulls("time")
        .filter(pl.col("mass") >= _FAILING)
        .sort("time")
        .with_columns(burst=(pl.col("time").diff() > LONGEST_TIMER).fill_null(value=False).cum_sum())
    )
    bursts = failing.group_by("burst", maintain_order=True).agg(
        pl.col("time").min().alias("first"),
        pl.col("time").max().alias("last"),
        pl.col("mass").sum(),
        pl.struct(pl.col(KEY).cast(pl.String)).unique().alias("kinds"),
    )
    return [
        _Burst(first, last, frozenset((k["service"] or "", k["template"] or "") for k in kinds))
        for _, first, last, total, kinds in bursts.iter_rows()
        if total >= _LEAST
    ]


def _together(bursts: list[_Burst]) -> list[_Burst]:
    """Return the bursts with each joined to the one before it when it brings little that is new: the same trouble, again."""
    found: list[_Burst] = []
    for burst in bursts:
        before = found[-1] if found else None
        if before and len(burst.kinds & before.kinds) >= _ALIKE * len(burst.kinds):
            found[-1] = _Burst(before.first, burst.last, before.kinds | burst.kinds)
        else:
            found.append(burst)
    return found
