"""Clocks that disagree between hosts: seen where requests are worked on before they are made, or always much later.

Times that are wrong by more than a few seconds break every rule that says what came first, so they are set right before
anything else is concluded (docs/decisions/0010-diagnosis.md).
"""

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from openstack_rca.correlation.times import earliest, latest
from openstack_rca.records import Clue

_FEWEST = 3
"""So many requests must agree, so that a retry or a queue is not taken for a clock."""
_BEHIND = timedelta(seconds=2)
"""Before a request is made nobody works on it."""
_AHEAD = timedelta(seconds=400)
"""A host that is always later than the one that asked it may be waiting for a timer, but none is this long
(vif_plugging_timeout 300 s, and a report interval)."""
_STEADY = timedelta(seconds=5)
"""A wrong clock is always wrong by the same: half of a host's requests may not differ by more than this."""
_HARMFUL = timedelta(seconds=60)
"""From here on services are taken for dead (service_down_time 60 s, agent_down_time 75 s) and tokens for invalid."""
_HARMFUL_WEIGHT, _HARMLESS_WEIGHT = 0.6, 0.35
_MOST = 3
_TOOK = r"\btime: (\d+\.\d+)\s*$"
"""What an API's access line took (eventlet.wsgi, nova and neutron): it is written at the end of the request."""


def clock_errors(table: pl.DataFrame) -> dict[str, timedelta]:
    """Return for each host whose clock is wrong by how much (negative: behind), against the APIs that took its requests.

    Needs `root`, `host` and `time`. Only hosts that worked on requests whose access line is at hand can be judged.
    """
    timed = table.filter(pl.col("root").is_not_null() & pl.col("time").is_not_null())
    took = pl.duration(microseconds=pl.col("message").str.extract(_TOOK).cast(pl.Float64) * 1e6)
    made = (
        timed.with_columns(made=pl.col("time") - took, by=pl.col("host").cast(pl.String))
        .drop_nulls("made")
        .sort("made")
        .group_by("root", maintain_order=True)
        .agg(pl.col("made", "by").first())
    )
    gaps = (
        timed.filter(pl.col("host").is_not_null())
        .group_by("root", pl.col("host").cast(pl.String))
        .agg(pl.col("time").min())
        .join(made, on="root")
        .filter(~pl.col("host").eq_missing(pl.col("by")))
        .with_columns(gap=pl.col("time") - pl.col("made"))
        .group_by("host")
        .agg(
            requests=pl.len(),
            middle=pl.col("gap").median(),
            spread=pl.col("gap").quantile(0.75) - pl.col("gap").quantile(0.25),
        )
    )
    wrong = gaps.filter(
        (pl.col("requests") >= _FEWEST)
        & (pl.col("spread") <= _STEADY)
        & ((pl.col("middle") <= -_BEHIND) | (pl.col("middle") >= _AHEAD))
    )
    return dict(wrong.select("host", "middle").sort("host").iter_rows())


def with_true_time(table: pl.DataFrame, errors: Mapping[str, timedelta]) -> pl.DataFrame:
    """Return the table with the times of hosts with a wrong clock set right; the order of its rows stays."""
    if not errors:
        return table
    shift = pl.col("host").cast(pl.String).replace_strict(errors, default=timedelta(0), return_dtype=pl.Duration("us"))
    return table.with_columns(time=pl.col("time") - shift)


def clock_clues(table: pl.DataFrame, errors: Mapping[str, timedelta]) -> list[Clue]:
    """Return a clue for each host with a wrong clock, with the first lines that show it."""
    return [_clue(host, error, table) for host, error in errors.items()]


def _clue(host: str, error: timedelta, table: pl.DataFrame) -> Clue:
    own = table.filter(pl.col("host") == host)
    elsewhere = table.filter(pl.col("host") != host)["root"].drop_nulls().unique()
    way, seen = ("behind", "before they are made") if error < timedelta(0) else ("ahead of", "always so much later")
    is_harmful = abs(error) >= _HARMFUL
    return Clue(
        kind="clock",
        key=host,
        finding=host,
        component="host",
        host=host,
        type="misconfiguration",
        role="cause" if is_harmful else "context",
        weight=_HARMFUL_WEIGHT if is_harmful else _HARMLESS_WEIGHT,
        reporter="host",
        statement=f"the clock of {host} is {abs(error.total_seconds()):.0f} s {way} the others: it works on requests {seen}; "
        "its times are set right here",
        records=tuple(own.filter(pl.col("root").is_in(elsewhere.implode()))["record"].head(_MOST)),
        count=own.height,
        first=earliest(own["time"]),
        last=latest(own["time"]),
        remediation=f"Let chronyd or ntpd of {host} follow the same source as the other hosts.",
        look_next=(f"chronyc tracking on {host}: an offset of seconds or 'Not synchronised' proves it",),
    )
