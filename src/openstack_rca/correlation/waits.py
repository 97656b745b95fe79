"""API requests that took long -> what they waited for: who wrote first after the longest pause, what all need, or nobody else."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from openstack_rca.correlation.http import with_http
from openstack_rca.correlation.latency import with_seconds
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import Clue

_LONG, _VERY_LONG = 10.0, 30.0
"""Seconds from which on one of several requests, or a single one, is slow; clients and load balancers give up after 30 to 60."""
_MOST_OF_IT = 0.6
"""The share of a request's time that its longest pause must fill to explain it."""
_AGREEING = 0.8
"""The share of the slow requests that must have waited for the same program: where they differ, all wait for something else."""
_WEIGHT, _HALF = 0.6, 1.0
_MARGIN = timedelta(seconds=1)
_MOST = 5
_LATE = 3.0
"""Seconds that a program waits for memcached (memcache_pool_socket_timeout of keystonemiddleware)."""
_OF_THE_SLOWEST = 0.25
"""The share of the slowest answer's time that others must have taken to have waited for the same."""
_FAMILIES, _SHARE = 3, 0.5
"""How many services must be late at once, and with which share of their answers, to wait for something that all need."""
_AT_ONCE, _VALIDATIONS = 1.0, 3
"""Within how many seconds keystone must give most of its answers, and how many at least, to be well."""
_AGAIN, _ALONE_WEIGHT = 2, 0.45
_RELEASED, _MOMENT, _APART, _LOCK_WEIGHT = 3, timedelta(seconds=2), timedelta(seconds=10), 0.55
"""From how many requests on that ended in one moment, though they began so far apart, it was a lock that they waited for."""
_DATA = "/file"
_UWSGI = " => generated "
_CACHE, _IDENTITY, _DATABASE, _REFUSED = "memcached", "keystone", "mariadb", 400
_SHARED_WEIGHT = 0.5


def waits(table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return clues against those for whom slow API requests waited, or who were slow themselves; needs the column `root`.

    What a proxy logs of a request is not a second one.
    """
    proxies = [s for s in table["service"].unique() if s and graph.is_infrastructure(graph.component_of(s))]
    own = table.filter(pl.col("time").is_not_null() & ~pl.col("service").is_in(proxies))
    answers = _timed(with_seconds(with_http(own)))
    found = [*_awaited(answers, table, graph), *_late_together(answers, graph)]
    locked = _released_together(answers, graph) if not found else []  # else they were released by who was waited for
    return [*found, *(locked or _slow_alone(answers, table, graph))]


def _awaited(answers: pl.DataFrame, table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue against the program that slow API requests waited for, or none.

    An access line tells how long its request took. Where all that the request wrote lies at the end of this time, the
    first to write is who was waited for: one whom the API needs, and who wrote nothing else.
    """
    slow = answers.filter(pl.col("root").is_not_null() & (pl.col("seconds") >= _LONG))
    if slow.is_empty():
        return []
    paused = _paused(slow.select("root", "record", "service", "began", "ended", "seconds"), table)
    awaited = [_needed(caller, first, graph) for caller, first in paused.select("service", "awaited").iter_rows()]
    (component, count), *_ = Counter(awaited).most_common(1) or [(None, 0)]
    if component is None or count < _AGREEING * len(awaited):
        return []
    mine = paused.filter(pl.Series(name == component for name in awaited)).sort("pause", "by", descending=[True, False])
    told = count > 1 or mine["pause"][0] >= _VERY_LONG
    return [_clue(component, mine, graph)] if told and _was_silent(mine, table) else []


def _late_together(answers: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue against what all services need where most answers of three and more are late: keystone or memcached.

    Whoever validates a token asks memcached first and waits for its timeout, then keystone (keystonemiddleware/auth_token).
    Where keystone answered nothing meanwhile, it is keystone that all waited for. Where it is quick, so is the database, and
    of what all services need only memcached remains, which logs nothing.
    """
    answers = answers.filter(pl.col("status") < _REFUSED)
    others = answers.filter((pl.col("seconds") >= _LATE) & (pl.col("service") != _IDENTITY))
    late = others.filter(pl.col("seconds") >= _OF_THE_SLOWEST * pl.col("seconds").max())
    if late.is_empty():
        return []
    since, until, ended = _moment(late["began"].min()), _moment(late["began"].max()), _moment(late["ended"].max())
    is_late = pl.col("record").is_in(late["record"].implode())
    meanwhile = answers.filter(is_late | pl.col("began").is_between(pl.lit(since) + _MARGIN, until))
    shares = meanwhile.group_by("service").agg(share=is_late.mean())
    names = sorted(graph.component_of(s) for s in shares.filter(pl.col("share") >= _SHARE)["service"].cast(pl.String))
    if len({graph.family(name) for name in names} - {_IDENTITY}) < _FAMILIES:
        return []
    identity = answers.filter(pl.col("service") == _IDENTITY)
    asked = meanwhile.filter(pl.col("service") == _IDENTITY)
    quick = asked.filter(pl.col("seconds") < _AT_ONCE).height
    slowest = late.sort("seconds", "record", descending=[True, False]).unique(
        "service", keep="first", maintain_order=True
    )
    clue = Clue(
        kind="wait",
        key=_CACHE,
        component=_CACHE,
        host=None,
        type="timeout",
        role="cause",
        weight=_SHARED_WEIGHT,
        reporter=names[0],
        statement=f"{', '.join(names[:-1])} and {names[-1]} answered late at the same time, up to {slowest['seconds'][0]:.0f} s, ",
        records=tuple(slowest["record"].head(_MOST)),
        count=late.height,
        first=since,
        last=ended,
    )
    waited = pl.col("ended").is_between(pl.lit(since) + _MARGIN, pl.lit(until) + timedelta(seconds=_LATE))
    if asked.is_empty() and identity.filter(waited).is_empty() and identity.height >= _VALIDATIONS:
        return [
            replace(
                clue,
                key=_IDENTITY,
                component=_IDENTITY,
                statement=f"{clue.statement}and keystone answered nothing from {since:%H:%M:%S} to {until:%H:%M:%S}: all waited for it",
                remediation="Find out why keystone does not answer: are its processes frozen, all its workers busy, its database slow?",
                look_next=("curl -m 5 http://<keystone>:5000/v3: no answer means that it hangs",),
            )
        ]
    if quick < max(_VALIDATIONS, _SHARE * asked.height):
        return []
    return [
        replace(
            clue,
            statement=f"{clue.statement}and keystone at once: what is left of what all of them need is the cache of tokens",
            records=(*clue.records, asked["record"][0]),
            remediation="Restart memcached where it does not answer, and look at the load of its host.",
            look_next=(
                "echo stats | nc -w 3 <memcached> 11211: no answer means that it hangs; many evictions, that it is too small",
            ),
        )
    ]


def _released_together(answers: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue against the database where requests to a service began apart, waited long and all ended in one moment, while
    the service answered others at once: they waited for one lock, as of a table or a row.
    """
    found: list[pl.DataFrame] = []
    slow = answers.filter((pl.col("seconds") >= _LONG) & ~pl.col("route").str.ends_with(_DATA)).sort("ended", "record")
    for (service,), calls in slow.group_by("service", maintain_order=True):
        if _DATABASE not in graph.needs(graph.resolve(str(service)) or str(service)):
            continue
        moments = calls.rolling("ended", period=_MOMENT, offset=timedelta(0), closed="left").agg(pl.len())
        since = _moment(moments.sort("len", "ended", descending=[True, False])["ended"][0])
        together = calls.filter(pl.col("ended").is_between(since, since + _MOMENT, closed="left"))
        first, last = _moment(together["began"].min()), _moment(together["began"].max())
        meanwhile = answers.filter(
            pl.col("service") == service, pl.col("began") > first, pl.col("ended") < _moment(together["ended"].min())
        )
        quick = meanwhile.filter(pl.col("seconds") < _AT_ONCE).height
        if together.height >= _RELEASED and last - first >= _APART and quick >= _VALIDATIONS:
            found.append(together)
    if not found:
        return []
    waited = pl.concat(found).sort("seconds", "record", descending=[True, False])
    names = sorted({graph.component_of(name) for name in waited["service"].cast(pl.String)})
    ended = _moment(waited["ended"].max())
    return [
        Clue(
            kind="wait",
            key=f"{_DATABASE}:lock",
            component=_DATABASE,
            host=None,
            type="timeout",
            role="cause",
            weight=_LOCK_WEIGHT,
            reporter=names[0],
            statement=f"{waited.height} requests to {', '.join(names)} waited up to {waited['seconds'][0]:.0f} s and were all "
            f"answered at {ended:%H:%M:%S}, while others were answered at once: they waited for one lock in the database",
            records=tuple(waited["record"].head(_MOST)),
            count=waited.height,
            first=_moment(waited["began"].min()),
            last=ended,
            remediation="End the session that holds the lock, as an ALTER TABLE by hand or a transaction that was left open.",
            look_next=(
                "SELECT * FROM information_schema.innodb_trx ORDER BY trx_started: the oldest one holds what the others wait for",
                "SHOW FULL PROCESSLIST while it lasts: 'Waiting for table metadata lock' names the table",
            ),
        )
    ]


def _slow_alone(answers: pl.DataFrame, table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue against each service of which one kind of call is slow again and again while it answers all others at once.

    No other service wrote for these requests in the time, so it passed inside the service. Where several kinds are slow
    together they wait for something that they share, as a lock in the database. Images are left out: how long
    their data take is a matter of their size.
    """
    answers = answers.with_columns(is_slow=(pl.col("seconds") >= _LONG) & ~pl.col("route").str.ends_with(_DATA))
    slow = answers.filter("is_slow")
    if slow.is_empty():
        return []
    helped = slow.join(table.select("root", at="time", helper="service").drop_nulls(), on="root").filter(
        pl.col("helper") != pl.col("service"), pl.col("at") > pl.col("began") + _MARGIN, pl.col("at") < pl.col("ended")
    )
    clues = []
    alone = slow.join(helped, on="record", how="anti")
    slow_kinds = slow.group_by("service").agg(kinds=pl.struct("method", "route").n_unique())
    single = alone.join(slow_kinds.filter(pl.col("kinds") == 1), on="service", how="semi")
    for (service, method, route), calls in single.group_by("service", "method", "route", maintain_order=True):
        since, until = _moment(calls["began"].min()), _moment(calls["ended"].max())
        others = answers.filter(
            (pl.col("service") == service) & ((pl.col("route") != route) | (pl.col("method") != method)),
            pl.col("began").is_between(since, until),
        )
        quick = others.filter(pl.col("seconds") < _AT_ONCE).height
        if calls.height < _AGAIN or quick < max(_VALIDATIONS, _AGREEING * others.height):
            continue
        name = str(service)
        component = graph.component_of(name)
        slowest = calls.sort("seconds", "record", descending=[True, False])
        clues.append(
            Clue(
                kind="wait",
                key=f"{component}:{method} {route}",
                component=component,
                host=None,
                type="bug",
                role="cause",
                weight=_ALONE_WEIGHT,
                reporter=component,
                statement=f"{component} took up to {slowest['seconds'][0]:.0f} s for {method} {route}, {calls.height} times, while "
                f"{quick} of its {others.height} other answers came at once, and nobody else wrote for it: the time passed inside",
                records=tuple(slowest["record"].head(_MOST)),
                count=calls.height,
                first=since,
                last=until,
                look_next=(
                    f"py-spy dump on the busiest process of {component} while such a call hangs: where does it wait?",
                    "SELECT * FROM information_schema.innodb_trx: a lock on the table that only this call writes",
                ),
            )
        )
    return clues


def _moment(value: object) -> datetime:
    """Return a minimum or maximum of a column of times, which is not empty."""
    assert isinstance(value, datetime)
    return value


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


def _clue(component: str, mine: pl.DataFrame, graph: ServiceGraph) -> Clue:
    callers = sorted({graph.component_of(name) for name in mine["service"].cast(pl.String)})
    first, last = _moment(mine["since"].min()), _moment(mine["since"].max())
    return Clue(
        kind="wait",
        key=component,
        component=component,
        host=None,
        type="timeout",
        role="cause",
        weight=_WEIGHT * mine.height / (mine.height + _HALF),
        reporter=callers[0],
        statement=f"{mine.height} request{'s' * (mine.height > 1)} to {', '.join(callers)} waited for {component}, up to "
        f"{mine['pause'][0]:.0f} s, before it wrote its first line about {'them' if mine.height > 1 else 'it'}",
        records=tuple(r for pair in mine.head(_MOST).select("record", "by").iter_rows() for r in pair),
        count=mine.height,
        first=first,
        last=last,
        look_next=(
            f"Is {component} overloaded, frozen or waiting itself? Look at its processes and their load at {first:%H:%M:%S}.",
        ),
    )
