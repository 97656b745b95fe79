"""Calls that an API accepted and nobody took up: the hop that is missing, which no log line reports."""

from datetime import timedelta

import polars as pl

from openstack_rca.correlation.http import with_http
from openstack_rca.correlation.topology import Handover, ServiceGraph
from openstack_rca.correlation.wording import counted
from openstack_rca.records import Clue

_WEIGHT = 0.5
_UNPROVEN = 0.7
"""What a missing hop is worth when no call of its kind in these logs was seen to be taken up, so it may not be logged."""
_EARLY = timedelta(seconds=1)
"""How much before the API's answer work may show that was handed on by a cast; before that it was asked for by a call."""
_PERIODIC = ("nova.compute.resource_tracker", "oslo_service.periodic_task")
"""Loggers of periodic tasks; in old releases they run under the id of whichever request was last."""
_MOST = 10


def handover_clues(table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each kind of call that was accepted but not taken up; needs the column `root`.

    A call counts when its request holds no ERROR (that tells more), and when the logs go on long enough after it.
    """
    calls = with_http(table.filter(pl.col("root").is_not_null())).filter(pl.col("status").is_between(200, 299))
    if calls.is_empty():
        return []
    known = {s: graph.component_of(s) for s in table["service"].drop_nulls().unique().cast(pl.String)}
    component = pl.col("service").cast(pl.String).replace(known)
    seen = table.select("root", "level", "time", "logger", component=component)
    calls = calls.with_columns(component=component)
    return [clue for handover in graph.handovers if (clue := _missing(handover, calls, seen)) is not None]


def _missing(handover: Handover, calls: pl.DataFrame, seen: pl.DataFrame) -> Clue | None:
    """Return the clue about the calls of one kind that were accepted and lost; None where all were taken up, or none was made."""
    theirs = seen.filter(pl.col("component") == handover.to)
    accepted = calls.filter(
        (pl.col("component") == handover.at)
        & (pl.col("method") == handover.method)
        & pl.col("route").str.contains(handover.route.pattern)
    )
    if accepted.is_empty() or theirs.is_empty():
        return None
    answered = accepted.group_by("root").agg(answered=pl.col("time").min())
    work = theirs.join(answered, on="root").filter(
        (pl.col("time") >= pl.col("answered") - _EARLY)
        & (pl.col("level") >= "INFO")
        & ~pl.col("logger").cast(pl.String).is_in(_PERIODIC)
    )
    failed = seen.filter(pl.col("level") >= "ERROR")
    lost = (
        accepted.filter(pl.col("time") <= pl.lit(seen["time"].max()) - handover.within)
        .join(pl.concat([work.select("root"), failed.select("root")]), on="root", how="anti", maintain_order="left")
        .sort("record")
    )
    if lost.is_empty():
        return None
    first, last = lost["time"][0], lost["time"][-1]
    alive = not theirs.filter(pl.col("time").is_between(first, last + handover.within)).is_empty()
    return _clue(handover, lost, alive, is_proven=not work.is_empty())


def _clue(handover: Handover, lost: pl.DataFrame, alive: bool, is_proven: bool) -> Clue:
    """Return the clue about lost calls: against who wrote nothing at all meanwhile, else against the last before it."""
    component = (handover.at, *handover.via)[-1] if alive else handover.to
    call = f"{handover.method} {lost['route'][0]}"
    return Clue(
        kind="handover",
        key=f"{handover.at}:{call}:{handover.to}",
        finding=handover.at,
        component=component,
        type="bug" if alive else "service-down",
        weight=_WEIGHT * (1.0 if is_proven else _UNPROVEN),
        reporter=handover.at,
        statement=f"{handover.at} accepted {call} {counted(lost.height, 'time')}, but {handover.to} wrote nothing about it "
        f"within {handover.within.total_seconds():.0f} s"
        + (", though it was alive" if alive else ", nor anything else"),
        records=tuple(lost["record"].head(_MOST)),
        count=lost.height,
        first=lost["time"][0],
        last=lost["time"][-1],
    )
