"""Listeners of HAProxy that stand at one number of connections: their limit, behind which others wait that nobody logs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl

from openstack_rca.correlation.answers import UNREACHED
from openstack_rca.correlation.sessions import PROXY, is_of_sessions
from openstack_rca.correlation.wording import on
from openstack_rca.records import Clue

_ENOUGH, _MANY = 30, 20
"""From how many sessions of a process, and from how many connections on, it can be told that a number is a limit."""
_STANDS = 0.9
"""The share of sessions that end while there are as many connections as there ever are. Of 150 processes in the labs one below its
limit had .32, the one at its limit .96."""
_OTHER = 1.25
"""How much less, or more, a listener has at its limit than it had before: as many as ever is a pool of connections that is steady."""
_ROUND = 50
_WEIGHT = 0.85
_MOST = 10
_MOMENT = timedelta(seconds=3)
"""How long connections fail about the time at which a process of HAProxy takes over from another."""
_EXPLAINED = 0.2


def full_listeners(now: pl.DataFrame, before: pl.DataFrame | None) -> list[Clue]:
    """Return a clue for each listener that stands at a number of connections that it had not before; `now` and `before` (the baseline)
    are sessions.
    """
    level = pl.col("of_frontend")
    processes = (
        now.filter(pl.col("pid").is_not_null())
        .group_by("host", "frontend", "pid", maintain_order=True)
        .agg(
            pl.len().alias("count"),
            level.max().alias("most"),
            (level == level.max()).mean().alias("stands"),
            level.median().alias("usual"),
            pl.col("component").first(),
            pl.col("record").filter(level == level.max()).head(_MOST).alias("records"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
        )
    )
    healthy = before.group_by("frontend").agg(level.median())["frontend", "of_frontend"] if before is not None else None
    usual: dict[Any, float] = dict(healthy.iter_rows()) if healthy is not None else {}
    found = []
    for row in processes.iter_rows(named=True):
        listener = row["host"], row["frontend"]
        had = usual.get(listener, usual.get(row["frontend"]))
        if (
            had
            and row["count"] >= _ENOUGH
            and row["most"] >= _MANY
            and row["stands"] >= _STANDS
            and _is_limit(row["most"], had)
        ):
            found.append(_clue(row, had))
        elif row["count"] >= _ENOUGH:
            usual[listener] = row["usual"]
    return found


def as_reloaded(clues: Sequence[Clue], table: pl.DataFrame) -> list[Clue]:
    """Return the clues; where a clue accuses HAProxy itself, with little weight for complaints about somebody out of reach that are all
    of the moments at which one of its processes took over from another, and broke the connections of that.
    """
    if not any(is_of_sessions(c) and c.component == PROXY for c in clues):
        return list(clues)
    processes = (
        table.filter((pl.col("service") == PROXY) & pl.col("pid").is_not_null())
        .group_by("host", "pid", maintain_order=True)
        .agg(pl.col("time").min())
    )
    begun = (
        processes.filter(pl.col("host").is_duplicated() & ~pl.col("host").is_first_distinct())["time"]
        .drop_nulls()
        .to_list()
    )
    records = {r for c in clues if c.type in UNREACHED for r in c.records}
    times = table.filter(pl.col("record").is_in(sorted(records)) & pl.col("time").is_not_null()).select(
        "record", "time"
    )
    then = {record for record, time in times.iter_rows() if any(abs(time - moment) <= _MOMENT for moment in begun)}
    return [
        replace(c, weight=c.weight * _EXPLAINED)
        if c.type in UNREACHED and c.component not in (c.reporter, PROXY) and c.records and then.issuperset(c.records)
        else c
        for c in clues
    ]


def _is_limit(most: int, had: float) -> bool:
    """Say whether a listener stands below what it needed before, or above it at a number that people choose."""
    return most * _OTHER <= had or (most >= had * _OTHER and (most % _ROUND == 0 or most & (most - 1) == 0))


def _clue(row: Mapping[str, Any], had: float) -> Clue:
    most, name = row["most"], row["frontend"]
    return Clue(
        kind="wait",
        key=f"{name}:full",
        finding=f"{name}:full",
        component=PROXY,
        host=row["host"],
        type="misconfiguration" if most < had else "resource-exhaustion",
        weight=_WEIGHT,
        reporter=PROXY,
        statement=f"haproxy{on(row['host'])} stands at {most} connections to its listener {name} since {row['first']:%H:%M:%S} "
        f"({row['stands']:.0%} of {row['count']} sessions end while there are so many), where it had {had:.0f} before: that is its "
        "limit, and others wait until one is free",
        records=tuple(row["records"]),
        count=row["count"],
        first=row["first"],
        last=row["last"],
        remediation=f"Raise maxconn of the listener {name} in haproxy.cfg and reload HAProxy; or find who holds the connections.",
        look_next=(
            f"'show stat' on HAProxy's socket: scur and slim of {name}; grep -n maxconn haproxy.cfg: who changed it when?",
        ),
        exculpates=row["component"] if row["component"] != PROXY else None,
    )
