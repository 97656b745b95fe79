"""API requests that took long -> what they waited for: who wrote first after the longest pause, what all need, or nobody else."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import polars as pl

from openstack_rca.correlation.http import with_http
from openstack_rca.correlation.latency import with_seconds
from openstack_rca.correlation.shared_waits import late_together, released_together
from openstack_rca.correlation.times import bounds
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import counted
from openstack_rca.records import Clue

_LONG, _VERY_LONG = 10.0, 30.0
"""Seconds from which on one of several requests, or a single one, is slow; clients and load balancers give up after 30 to 60."""
_MOST_OF_IT = 0.6
"""The share of a request's time that its longest pause must fill to explain it."""
_AGREEING = 0.8
"""The share of the slow requests that must have waited for the same program: where they differ, all wait for something else."""
_WEIGHT, _HALF = 0.6, 1.0
"""What it weighs that many waited for the same, and how many make half of that."""
_MARGIN = timedelta(seconds=1)
_AT_ONCE, _FEWEST_QUICK = 1.0, 3
"""Within how many seconds a service must give most of its other answers, and how many at least, to be slow in one kind alone."""
_AGAIN, _ALONE_WEIGHT = 2, 0.45
_DATA = "/file"
"""How routes end by which images are sent: how long these take is a matter of their size."""
_UWSGI = " => generated "
_MOST = 5


def waits(table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return clues against those for whom slow API requests waited, or who were slow themselves; needs the column `root`.

    What a proxy logs of a request is not a second one.
    """
    proxies = graph.programs(table, graph.is_infrastructure)
    own = table.filter(pl.col("time").is_not_null() & ~pl.col("service").is_in(proxies))
    answers = _timed(with_seconds(with_http(own)))
    slow = answers.filter(pl.col("seconds") >= _LONG)
    found = [*_awaited(slow, table, graph), *late_together(answers, graph)]
    own_work = slow.filter(~pl.col("route").str.ends_with(_DATA))
    locked = released_together(own_work, answers, graph) if not found else []  # else who was waited for released them
    return [*found, *(locked or _slow_alone(own_work, answers, table, graph))]


def _awaited(slow: pl.DataFrame, table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue against the program that slow API requests waited for, or none.

    An access line tells how long its request took. Where all that the request wrote lies at the end of this time, the
    first to write is who was waited for: one whom the API needs, and who wrote nothing else.
    """
    paused = _paused(slow.select("root", "record", "service", "began", "ended", "seconds"), table)
    awaited = [_needed(caller, first, graph) for caller, first in paused.select("service", "awaited").iter_rows()]
    (component, count), *_ = Counter(awaited).most_common(1) or [(None, 0)]
    if component is None or count < _AGREEING * len(awaited):
        return []
    mine = paused.filter(pl.Series(name == component for name in awaited)).sort("pause", "by", descending=[True, False])
    is_told = count > 1 or mine["pause"][0] >= _VERY_LONG
    return [_wait(component, mine, graph)] if is_told and _was_silent(mine, table) else []


def _slow_alone(slow: pl.DataFrame, answers: pl.DataFrame, table: pl.DataFrame, graph: ServiceGraph) -> Iterator[Clue]:
    """Yield a clue against each service of which one kind of call is slow again and again while it answers all others at once.

    No other service wrote for these requests in the time, so it passed inside the service. Where several kinds are slow
    together they wait for something that they share, as a lock in the database.
    """
    helped = slow.join(table.select("root", at="time", helper="service").drop_nulls(), on="root").filter(
        pl.col("helper") != pl.col("service"), pl.col("at") > pl.col("began") + _MARGIN, pl.col("at") < pl.col("ended")
    )
    alone = slow.join(helped, on="record", how="anti")
    slow_kinds = slow.group_by("service").agg(kinds=pl.struct("method", "route").n_unique())
    single = alone.join(slow_kinds.filter(pl.col("kinds") == 1), on="service", how="semi")
    for (service, method, route), calls in single.group_by("service", "method", "route", maintain_order=True):
        (since, _), (_, until) = bounds(calls["began"]), bounds(calls["ended"])
        others = answers.filter(
            (pl.col("service") == service) & ((pl.col("route") != route) | (pl.col("method") != method)),
            pl.col("began").is_between(since, until),
        )
        quick = others.filter(pl.col("seconds") < _AT_ONCE).height
        if calls.height >= _AGAIN and quick >= max(_FEWEST_QUICK, _AGREEING * others.height):
            yield _inside(graph.component_of(str(service)), f"{method} {route}", calls, quick, others.height)


def _inside(component: str, call: str, calls: pl.DataFrame, quick: int, others: int) -> Clue:
    slowest = calls.sort("seconds", "record", descending=[True, False])
    return Clue(
        kind="wait",
        key=f"{component}:{call}",
        component=component,
        type="bug",
        weight=_ALONE_WEIGHT,
        reporter=component,
        statement=f"{component} took up to {slowest['seconds'][0]:.0f} s for {call}, {calls.height} times, while "
        f"{quick} of its {others} other answers came at once, and nobody else wrote for it: the time passed inside",
        records=tuple(slowest["record"].head(_MOST)),
        count=calls.height,
        first=bounds(calls["began"])[0],
        last=bounds(calls["ended"])[1],
        look_next=(
            f"py-spy dump on the busiest process of {component} while such a call hangs: where does it wait?",
            "SELECT * FROM information_schema.innodb_trx: a lock on the table that only this call writes",
        ),
    )


def _timed(answers: pl.DataFrame) -> pl.DataFrame:
    """Return access lines with the times at which their requests `began` and `ended`.

    Programs write them at the end, with the time of it; uWSGI with that of the begin (ctime in core/logging.c).
    """
    took = pl.duration(microseconds=(pl.col("seconds") * 1e6).cast(pl.Int64))
    at_begin = pl.col("message").str.contains(_UWSGI, literal=True)
    return answers.with_columns(
        began=pl.when(at_begin).then("time").otherwise(pl.col("time") - took),
        ended=pl.when(at_begin).then(pl.col("time") + took).otherwise("time"),
    )


def _paused(slow: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Return the slow requests with their longest pause: its start, its length, and who ended it with which record."""
    lines = table.select("root", by="record", at="time", awaited="service").drop_nulls()
    pauses = (
        slow.join(lines, on="root")
        .filter(pl.col("at").is_between("began", "ended"))
        .sort("record", "at", "by")
        .with_columns(since=pl.col("at").shift(1).over("record").fill_null(pl.col("began")))
        .with_columns(pause=(pl.col("at") - pl.col("since")).dt.total_microseconds() / 1e6)
    )
    longest = pauses.sort("pause", "by", descending=[True, False]).unique("record", keep="first", maintain_order=True)
    slow_itself = slow.select(by="record")
    return longest.filter(
        pl.col("pause") >= pl.max_horizontal(_LONG, _MOST_OF_IT * pl.col("seconds"))
    ).join(slow_itself, on="by", how="anti")  # fmt: skip


def _was_silent(mine: pl.DataFrame, table: pl.DataFrame) -> bool:
    """Say whether who was waited for wrote nothing at all in the longest pause: else it worked, and the caller called late."""
    worked = (pl.col("time") > mine["since"][0] + _MARGIN) & (pl.col("time") < mine["at"][0] - _MARGIN)
    return table.filter((pl.col("service") == mine["awaited"][0]) & worked).is_empty()


def _needed(caller: str, other: str, graph: ServiceGraph) -> str | None:
    """Return the component that wrote for another, if the caller needs it."""
    component = graph.component_of(other)
    return component if graph.depends(graph.component_of(caller), component) is not None else None


def _wait(component: str, mine: pl.DataFrame, graph: ServiceGraph) -> Clue:
    callers = sorted({graph.component_of(name) for name in mine["service"].cast(pl.String)})
    first, last = bounds(mine["since"])
    return Clue(
        kind="wait",
        key=component,
        component=component,
        type="timeout",
        weight=_WEIGHT * mine.height / (mine.height + _HALF),
        reporter=callers[0],
        statement=f"{counted(mine.height, 'request')} to {', '.join(callers)} waited for {component}, up to "
        f"{mine['pause'][0]:.0f} s, before it wrote its first line about {'them' if mine.height > 1 else 'it'}",
        records=tuple(r for pair in mine.head(_MOST).select("record", "by").iter_rows() for r in pair),
        count=mine.height,
        first=first,
        last=last,
        look_next=(
            f"Is {component} overloaded, frozen or waiting itself? Look at its processes and their load at {first:%H:%M:%S}.",
        ),
    )
