"""Requests to several services that a proxy cut after one and the same short time -> the proxy's own time limit."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import polars as pl

from openstack_rca.correlation.times import earliest, latest
from openstack_rca.correlation.wording import listed
from openstack_rca.records import Clue


class _Proxy(NamedTuple):
    """A proxy: its line on a request whose server it gave up before it sent headers (service, time), and how its limit is called."""

    component: str
    cut: str
    unit: float
    limit: str
    file: str


_PROXIES = (
    _Proxy(  # httplog lines (doc/configuration.txt, 8.2.3); backends are called after services: nova_api_back/ctl-1
        "haproxy",
        r" (?P<service>[A-Za-z0-9]+)[^ /]*/\S+ (?:-?\d+/){4}\+?(?P<spent>\d+) -?\d+ \+?\d+ \S+ \S+ sH",
        0.001,
        "timeout server",
        "haproxy.cfg",
    ),
    _Proxy(  # log-format-upstream of the ingress controller: request length, request time, [namespace-service-port]
        "nginx",
        r'" 504 \d+ "[^"]*" "[^"]*" \d+ (?P<spent>[\d.]+) \[[a-z0-9]+-(?P<service>[a-z0-9]+)',
        1.0,
        "proxy_read_timeout",
        "nginx.conf or the ingress' annotations",
    ),
)
_SHORT = 10.0
"""Seconds that an API may well take for a healthy answer: a limit below cuts who is not at fault."""
_ALIKE, _MOST_OF_THEM = 1.1, 0.8
"""The shortest is the limit, since nobody is cut earlier; most others are then cut within a tenth of it."""
_SERVICES = 2
_WEIGHT = 0.85
_MOST = 10
_LATE = r"(?:OS|IO)Error: (?:write error|(?:Apache/mod_wsgi )?failed to write )|SIGPIPE: writing to a closed"
"""What uwsgi and mod_wsgi say when the client has gone before the answer."""
_EXPLAINED = 0.2


def proxy_clues(table: pl.DataFrame) -> list[Clue]:
    """Return a clue against each proxy that gave up servers of two services and more after the same short time."""
    return [_clue(proxy, cut) for proxy, cut in _cut_short(table)]


def as_cut(clues: Sequence[Clue], table: pl.DataFrame) -> list[Clue]:
    """Return the clues, with little weight for those that only tell of requests which a proxy cut too soon.

    The proxy calls the servers late, and they find nobody to write their answer to.
    """
    short = [rows for _, rows in _cut_short(table)]
    if not short or not any(_is_own(c) for c in clues):
        return list(clues)
    cut = pl.concat(short)
    late = table.filter(
        (pl.col("time") >= cut["time"].min()) & pl.any_horizontal(pl.col("message", "detail").str.contains(_LATE))
    )
    explained = {*cut["record"], *late["record"]}
    retold = {c for c in clues if not _is_own(c) and c.records and explained.issuperset(c.records)}
    return [replace(c, weight=c.weight * _EXPLAINED) if c in retold else c for c in clues]


def _is_own(clue: Clue) -> bool:
    """Say whether a clue accuses the proxy itself."""
    return clue.kind == "proxy" and clue.component == clue.reporter


def _cut_short(table: pl.DataFrame) -> list[tuple[_Proxy, pl.DataFrame]]:
    """Return each proxy with too short a limit and the requests that it cut, with `backend` and `spent` (seconds)."""
    found = []
    for proxy in _PROXIES:
        told = pl.col("message").str.extract_groups(proxy.cut).struct
        cut = (
            table.filter(pl.col("message").str.contains(proxy.cut))
            .with_columns(
                backend=told.field("service").str.to_lowercase(),
                spent=told.field("spent").cast(pl.Float64, strict=False) * proxy.unit,
            )
            .filter(pl.col("spent") < _SHORT)
        )
        for mine in cut.partition_by("host", maintain_order=True):
            alike = mine.filter(pl.col("spent") <= pl.col("spent").min() * _ALIKE)
            if alike["backend"].n_unique() >= _SERVICES and alike.height >= _MOST_OF_THEM * mine.height:
                found.append((proxy, alike))
    return found


def _clue(proxy: _Proxy, cut: pl.DataFrame) -> Clue:
    services = sorted(cut["backend"].unique().to_list())
    return Clue(
        kind="proxy",
        key="+".join(services),
        finding="+".join(services),
        component=proxy.component,
        host=cut["host"][0],
        type="misconfiguration",
        weight=_WEIGHT,
        reporter=proxy.component,
        statement=f"{proxy.component} gave up {cut.height} requests to {listed(services)} after "
        f"{min(cut['spent'].to_list()):.1f} s each: so soon and all alike it is no service that is slow, its own "
        f"'{proxy.limit}' is too short",
        records=tuple(cut["record"].head(_MOST)),
        count=cut.height,
        first=earliest(cut["time"]),
        last=latest(cut["time"]),
        remediation=f"Set '{proxy.limit}' in {proxy.file} to 1 minute or more and reload {proxy.component}.",
        look_next=(
            f"grep -rn '{proxy.limit}' in {proxy.file} and what it includes: which of them says this time?",
            f"the log of {proxy.component} shortly before the first 504: was it reloaded or restarted for a change?",
        ),
    )
