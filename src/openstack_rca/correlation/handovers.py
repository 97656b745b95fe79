"""Calls that an API accepted and nobody took up: the hop that is missing, which no log line reports."""

import re
from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from openstack_rca.correlation.http import with_http
from openstack_rca.correlation.topology import Handover, ServiceGraph
from openstack_rca.correlation.wording import counted, on
from openstack_rca.records import UUID, Clue

_WEIGHT = 0.5
_UNPROVEN = 0.7
"""What a missing hop is worth when no call of its kind in these logs was seen to be taken up, so it may not be logged."""
_EARLY = timedelta(seconds=1)
"""How much before the API's answer work may show that was handed on by a cast; before that it was asked for by a call."""
_PERIODIC = ("nova.compute.resource_tracker", "oslo_service.periodic_task")
"""Loggers of periodic tasks; in old releases they run under the id of whichever request was last."""
_MOST = 10
_HOST = "host"


def handover_clues(table: pl.DataFrame, graph: ServiceGraph, gone: Sequence[Clue] = ()) -> list[Clue]:
    """Return a clue for each kind of call that was accepted but not taken up; needs the column `root`. `gone` tells which programs and
    hosts were down or silent, and when.

    A call counts when its request holds no ERROR (that tells more), and when the logs go on long enough after it.
    """
    calls = with_http(table.filter(pl.col("root").is_not_null())).filter(pl.col("status").is_between(200, 299))
    if calls.is_empty():
        return []
    known = {s: graph.component_of(s) for s in table["service"].drop_nulls().unique().cast(pl.String)}
    component = pl.col("service").cast(pl.String).replace(known)
    seen = table.select("root", "level", "time", "logger", "host", "instance", component=component)
    calls = calls.with_columns(component=component)
    return [clue for handover in graph.handovers if (clue := _missing(handover, calls, seen, gone)) is not None]


def _missing(handover: Handover, calls: pl.DataFrame, seen: pl.DataFrame, gone: Sequence[Clue]) -> Clue | None:
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
    concerned = _of_its_hosts(theirs, lost)
    alive = not concerned.filter(
        pl.col("time").is_between(lost["time"][0], lost["time"][-1] + handover.within)
    ).is_empty()
    away = _away(concerned, handover.to, lost, gone)
    return _clue(handover, lost, alive and not away, away, is_proven=not work.is_empty())


def _of_its_hosts(theirs: pl.DataFrame, lost: pl.DataFrame) -> pl.DataFrame:
    """Return what a program wrote on the hosts where it has worked on the servers that the lost calls are about; all, if on none."""
    servers = [i for m in lost["message"] for i in re.findall(UUID, m)]
    hosts = theirs.filter(pl.col("instance").is_in(servers))["host"].drop_nulls().unique()
    return theirs.filter(pl.col("host").is_in(hosts.implode())) if len(hosts) else theirs


def _away(theirs: pl.DataFrame, component: str, lost: pl.DataFrame, gone: Sequence[Clue]) -> list[Clue]:
    """Return what tells that a program, or a host of it, was gone at one of the lost calls: that may have been its own, and that others
    of its kind were alive says nothing.
    """
    hosts = set(theirs["host"].drop_nulls().unique().cast(pl.String))
    return [
        c
        for c in gone
        if c.component in (component, _HOST) and c.host in hosts and c.first and c.last
        and lost["time"].is_between(c.first, c.last).any()
    ]  # fmt: skip


def _clue(handover: Handover, lost: pl.DataFrame, alive: bool, away: Sequence[Clue], is_proven: bool) -> Clue:
    """Return the clue about lost calls: against who wrote nothing at all meanwhile, or was away on a host, else against the last
    before it.
    """
    component = (handover.at, *handover.via)[-1] if alive else handover.to
    if away and all(c.component == _HOST for c in away):
        component = _HOST
    call = f"{handover.method} {lost['route'][0]}"
    return Clue(
        kind="handover",
        key=f"{handover.at}:{call}:{handover.to}",
        finding=handover.at,
        component=component,
        host=away[0].host if len({c.host for c in away}) == 1 else None,
        type="bug" if alive else "service-down",
        weight=_WEIGHT * (1.0 if is_proven else _UNPROVEN),
        reporter=handover.at,
        statement=f"{handover.at} accepted {call} {counted(lost.height, 'time')}, but {handover.to} wrote nothing about it "
        f"within {handover.within.total_seconds():.0f} s" + _otherwise(alive, away),
        records=tuple(lost["record"].head(_MOST)),
        count=lost.height,
        first=lost["time"][0],
        last=lost["time"][-1],
    )


def _otherwise(alive: bool, away: Sequence[Clue]) -> str:
    """Return the words for what else a program wrote meanwhile."""
    if away:
        return ", and " + " and ".join(f"{_named(c)} was gone then" for c in away)
    return ", though it was alive" if alive else ", nor anything else"


def _named(gone: Clue) -> str:
    return f"host {gone.host}" if gone.component == _HOST else f"{gone.component}{on(gone.host)}"
