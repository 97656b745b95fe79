"""Answers of several requests that came late together -> what all of them waited for: keystone, the cache, a lock in the database."""

from dataclasses import replace
from datetime import timedelta

import polars as pl

from openstack_rca.correlation.times import bounds
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import listed
from openstack_rca.records import Clue

_CACHE, _IDENTITY, _DATABASE = "memcached", "keystone", "mariadb"
_REFUSED = 400
_LATE = 3.0
"""Seconds that a program waits for memcached (memcache_pool_socket_timeout of keystonemiddleware)."""
_OF_THE_SLOWEST = 0.25
"""The share of the slowest answer's time that others must have taken to have waited for the same."""
_FAMILIES, _SHARE = 3, 0.5
"""How many services must be late at once, and with which share of their answers, to wait for something that all need."""
_AT_ONCE, _FEWEST_QUICK = 1.0, 3
"""Within how many seconds a service must give most of its answers, and how many at least, to be well."""
_MARGIN = timedelta(seconds=1)
_SHARED_WEIGHT = 0.5
_RELEASED, _MOMENT, _APART = 3, timedelta(seconds=3), timedelta(seconds=10)
"""From how many requests on that ended in one moment, though they began so far apart, it was a lock that they waited for."""
_LOCK_WEIGHT = 0.55
_MOST = 5


def late_together(answers: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue against what all services need where most answers of three and more are late: keystone or memcached.

    `answers` are access lines with `began`, `ended` and `seconds`. Whoever validates a token asks memcached first and waits
    for its timeout, then keystone (keystonemiddleware/auth_token). Where keystone answered nothing meanwhile, it is keystone
    that all waited for. Where it is quick, so is the database, and of what all services need only memcached remains, which
    logs nothing.
    """
    answers = answers.filter(pl.col("status") < _REFUSED)
    others = answers.filter((pl.col("seconds") >= _LATE) & (pl.col("service") != _IDENTITY))
    late = others.filter(pl.col("seconds") >= _OF_THE_SLOWEST * pl.col("seconds").max())
    if late.is_empty():
        return []
    since, until = bounds(late["began"])
    is_late = pl.col("record").is_in(late["record"].implode())
    meanwhile = answers.filter(is_late | pl.col("began").is_between(pl.lit(since) + _MARGIN, until))
    shares = meanwhile.group_by("service").agg(share=is_late.mean())
    names = sorted(map(graph.component_of, shares.filter(pl.col("share") >= _SHARE)["service"].cast(pl.String)))
    if len({graph.family(name) for name in names} - {_IDENTITY}) < _FAMILIES:
        return []
    identity = answers.filter(pl.col("service") == _IDENTITY)
    asked = meanwhile.filter(pl.col("service") == _IDENTITY)
    waited = pl.col("ended").is_between(pl.lit(since) + _MARGIN, pl.lit(until) + timedelta(seconds=_LATE))
    if asked.is_empty() and identity.filter(waited).is_empty() and identity.height >= _FEWEST_QUICK:
        return [_for_identity(_late(names, late), since.strftime("%H:%M:%S"), until.strftime("%H:%M:%S"))]
    quick = asked.filter(pl.col("seconds") < _AT_ONCE).height
    return (
        [_for_cache(_late(names, late), asked["record"][0])]
        if quick >= max(_FEWEST_QUICK, _SHARE * asked.height)
        else []
    )


def _late(names: list[str], late: pl.DataFrame) -> Clue:
    """Return what all clues about late answers say, whoever is to blame."""
    slowest = late.sort("seconds", "record", descending=[True, False])
    shown = slowest.unique("service", keep="first", maintain_order=True)
    return Clue(
        kind="wait",
        key=_CACHE,
        component=_CACHE,
        type="timeout",
        weight=_SHARED_WEIGHT,
        reporter=names[0],
        statement=f"{listed(names)} answered late at the same time, up to {slowest['seconds'][0]:.0f} s, and keystone ",
        records=tuple(shown["record"].head(_MOST)),
        count=late.height,
        first=bounds(late["began"])[0],
        last=bounds(late["ended"])[1],
    )


def _for_identity(late: Clue, since: str, until: str) -> Clue:
    return replace(
        late,
        key=_IDENTITY,
        component=_IDENTITY,
        statement=f"{late.statement}answered nothing from {since} to {until}: all waited for it",
        remediation="Find out why keystone does not answer: are its processes frozen, all its workers busy, its database slow?",
        look_next=("curl -m 5 http://<keystone>:5000/v3: no answer means that it hangs",),
    )


def _for_cache(late: Clue, answered: int) -> Clue:
    """Return the clue against the cache; `answered` is a record of keystone's that shows it to be quick."""
    return replace(
        late,
        statement=f"{late.statement}at once: what is left of what all of them need is the cache of tokens",
        records=(*late.records, answered),
        remediation="Restart memcached where it does not answer, and look at the load of its host.",
        look_next=(
            "echo stats | nc -w 3 <memcached> 11211: no answer means that it hangs; many evictions, that it is too small",
        ),
    )


def released_together(slow: pl.DataFrame, answers: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue against the database where slow requests to a service began apart and all ended in one moment, while the
    service answered others at once: they waited for one lock, as of a table or a row.
    """
    found: list[pl.DataFrame] = []
    for (service,), calls in slow.sort("ended", "record").group_by("service", maintain_order=True):
        if _DATABASE not in graph.needs(graph.component_of(str(service))):
            continue
        moments = calls.rolling("ended", period=_MOMENT, offset=timedelta(0), closed="left").agg(pl.len())
        busiest = moments.sort("len", "ended", descending=[True, False])["ended"][0]
        together = calls.filter(pl.col("ended").is_between(busiest, busiest + _MOMENT, closed="left"))
        (first, last), (released, _) = bounds(together["began"]), bounds(together["ended"])
        meanwhile = answers.filter(pl.col("service") == service, pl.col("began") > first, pl.col("ended") < released)
        quick = meanwhile.filter(pl.col("seconds") < _AT_ONCE).height
        if together.height >= _RELEASED and last - first >= _APART and quick >= _FEWEST_QUICK:
            found.append(together)
    return [_for_lock(pl.concat(found), graph)] if found else []


def _for_lock(waited: pl.DataFrame, graph: ServiceGraph) -> Clue:
    slowest = waited.sort("seconds", "record", descending=[True, False])
    names = sorted(set(map(graph.component_of, waited["service"].cast(pl.String))))
    _, ended = bounds(waited["ended"])
    return Clue(
        kind="wait",
        key=f"{_DATABASE}:lock",
        component=_DATABASE,
        type="timeout",
        weight=_LOCK_WEIGHT,
        reporter=names[0],
        statement=f"{waited.height} requests to {', '.join(names)} waited up to {slowest['seconds'][0]:.0f} s and were all "
        f"answered at {ended:%H:%M:%S}, while others were answered at once: they waited for one lock in the database",
        records=tuple(slowest["record"].head(_MOST)),
        count=waited.height,
        first=bounds(waited["began"])[0],
        last=ended,
        remediation="End the session that holds the lock, as an ALTER TABLE by hand or a transaction that was left open.",
        look_next=(
            "SELECT * FROM information_schema.innodb_trx ORDER BY trx_started: the oldest one holds what the others wait for",
            "SHOW FULL PROCESSLIST while it lasts: 'Waiting for table metadata lock' names the table",
        ),
    )
