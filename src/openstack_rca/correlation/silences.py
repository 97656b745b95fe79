"""Programs that wrote steadily and then fell silent while others went on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from openstack_rca.correlation.restarts import by_program
from openstack_rca.correlation.times import latest
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import on
from openstack_rca.records import Clue

_MIN_SILENCE = 20.0
"""Seconds."""
_MIN_EXPECTED = 6.0
"""So many records must have been due in a silence."""
_PARTS, _STEADY_PARTS, _STEADY = 8, 5, 0.8
"""By parts of this share of a silence the time before it is measured: it must hold so many, and of them this share with records."""
_LONGER = 2
"""So many times as long as any in health a silence must be."""
_OTHERS = 2
"""So many other programs must have gone on."""
_TOGETHER = timedelta(seconds=20)
_MANY, _UNASKED = 3, 0.4
"""From how many services on a common silence says little of each, and what it keeps of its weight."""
_TO_THE_END_WEIGHT, _WEIGHT = 0.5, 0.4


class _Quiet(NamedTuple):
    """A quiet stretch: its begin and end, the last record before it, and how many were to be expected in it."""

    since: datetime
    until: datetime
    record: int
    expected: float

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()


def silences(table: pl.DataFrame, baseline: pl.DataFrame | None, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each program and host that wrote steadily and then stopped while others went on.

    Steady means: in its longest quiet stretch several records were to be expected from its own rate before, which it kept
    without long pauses; and the stretch is twice as long as any that the baseline shows.
    """
    end = latest(table["time"])
    if end is None:
        return []
    usual = _longest_gaps(baseline) if baseline is not None else {}
    clues = []
    timed = table.filter(pl.col("logger").is_not_null()).select("service", "host", "time", "record")
    timed = timed.drop_nulls(["service", "time"]).sort("time")
    for service, host, own in by_program(timed):
        quiet = _longest_quiet(own, end) if own.height >= _MIN_EXPECTED else None
        if quiet is None or quiet.seconds < _LONGER * usual.get((service, host), 0.0):
            continue
        others = timed.filter(pl.col("time").is_between(quiet.since, quiet.until) & (pl.col("service") != service))
        if others["service"].n_unique() >= _OTHERS:
            clues.append(_silence(graph.component_of(service), host, quiet, quiet.until >= end))
    return [replace(c, weight=c.weight * _UNASKED) if _is_common(c, clues, graph) else c for c in clues]


def _is_common(silence: Clue, silences: Sequence[Clue], graph: ServiceGraph) -> bool:
    """Say whether several services fell silent together: then rather nobody asked them for anything."""
    together = {
        graph.family(c.component)
        for c in silences
        if c.first and silence.first and abs(c.first - silence.first) <= _TOGETHER
    }
    return len(together) >= _MANY


def _longest_gaps(baseline: pl.DataFrame) -> dict[tuple[str | None, str | None], float]:
    """Return the seconds that each program and host was silent at the longest in health."""
    gaps = (
        baseline.drop_nulls("time")
        .sort("time")
        .group_by("service", "host")
        .agg(pl.col("time").diff().max().dt.total_microseconds() / 1e6)
    )
    return {(service, host): gap or 0.0 for service, host, gap in gaps.iter_rows()}


def _longest_quiet(own: pl.DataFrame, end: datetime) -> _Quiet | None:
    """Return the longest quiet stretch of a program up to the end of the logs, if it was steady before.

    Steady: cut into eighths of the stretch, nearly all of the time before it holds records.
    """
    times = pl.concat([own["time"], pl.Series("time", [end], dtype=own["time"].dtype)])
    gaps = times.diff().dt.total_microseconds().drop_nulls() / 1e6
    at = int(gaps.arg_max() or 0)
    longest, start = float(gaps[at]), own["time"][0]
    active = (own["time"][at] - start).total_seconds()
    width = longest / _PARTS
    cells = int(active / width) if width else 0
    if longest < _MIN_SILENCE or cells < _STEADY_PARTS:
        return None
    filled = ((own["time"].head(at + 1) - start).dt.total_microseconds() / 1e6 / width).floor().n_unique()
    expected = longest * (at + 1) / active
    if expected < _MIN_EXPECTED or filled < _STEADY * cells:
        return None
    return _Quiet(own["time"][at], times[at + 1], int(own["record"][at]), expected)


def _silence(component: str, host: str | None, quiet: _Quiet, to_the_end: bool) -> Clue:
    return Clue(
        kind="silence",
        key=f"{component}:{host}",
        component=component,
        host=host,
        type="service-down",
        role="symptom",
        weight=_TO_THE_END_WEIGHT if to_the_end else _WEIGHT,
        reporter=component,
        statement=f"{component}{on(host)} wrote nothing for {quiet.seconds:.0f} s after {quiet.since:%H:%M:%S}, where about "
        f"{quiet.expected:.0f} "
        "lines were to be expected, while other services went on",
        records=(quiet.record,),
        count=1,
        first=quiet.since,
        last=quiet.until,
        remediation=f"Check whether {component}{on(host)} is running; restart it and find out why it stopped.",
        look_next=(f"systemctl status {component}: not running confirms it; running means that it hangs",),
    )
