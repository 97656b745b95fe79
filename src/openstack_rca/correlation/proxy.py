"""Requests to several services that HAProxy cut after one and the same short time -> its own `timeout server`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import polars as pl

from openstack_rca.records import Clue

_CUT = (
    r" (?P<service>[A-Za-z0-9]+)[^ /]*/\S+ "  # backends are called after services: nova_api_back/ctl-1
    r"(?:-?\d+/){4}\+?(?P<milliseconds>\d+) -?\d+ \+?\d+ \S+ \S+ sH"
)
"""An httplog line (doc/configuration.txt of HAProxy, 8.2.3) whose server was given up before it sent headers."""
_SHORT = 10_000
"""Milliseconds that an API may well take for a healthy answer: a limit below cuts who is not at fault."""
_ALIKE, _MOST_OF_THEM = 1.1, 0.8
"""The shortest is the limit, since nobody is cut earlier; most others are then cut within a tenth of it."""
_SERVICES = 2
_WEIGHT = 0.85
_MOST = 10
_LATE = r"(?:OS|IO)Error: (?:write error|(?:Apache/mod_wsgi )?failed to write )|SIGPIPE: writing to a closed"
"""What uwsgi and mod_wsgi say when the client has gone before the answer."""
_EXPLAINED = 0.2
_KIND = "proxy"


def proxy_clues(table: pl.DataFrame) -> list[Clue]:
    """Return a clue against each HAProxy that gave up servers of two services and more after the same short time."""
    return [_clue(cut) for cut in _cut_short(table)]


def as_cut(clues: Sequence[Clue], table: pl.DataFrame) -> list[Clue]:
    """Return the clues, with little weight for those that only tell of requests which a proxy cut too soon.

    The proxy calls the servers late, and they find nobody to write their answer to.
    """
    if not any(c.kind == _KIND for c in clues):
        return list(clues)
    cut = pl.concat(_cut_short(table))
    late = table.filter(
        (pl.col("time") >= cut["time"].min()) & pl.any_horizontal(pl.col("message", "detail").str.contains(_LATE))
    )
    explained = {*cut["record"], *late["record"]}
    retold = {c for c in clues if c.kind != _KIND and c.records and explained.issuperset(c.records)}
    return [replace(c, weight=c.weight * _EXPLAINED) if c in retold else c for c in clues]


def _cut_short(table: pl.DataFrame) -> list[pl.DataFrame]:
    """Return for each proxy with too short a limit the requests that it cut, with `backend` and `spent`."""
    cut = (
        table.filter(pl.col("message").str.contains(_CUT))
        .with_columns(
            backend=pl.col("message").str.extract(_CUT, 1).str.to_lowercase(),
            spent=pl.col("message").str.extract(_CUT, 2).cast(pl.Int64, strict=False),
        )
        .filter(pl.col("spent") < _SHORT)
    )
    found = []
    for mine in cut.partition_by("host", maintain_order=True):
        alike = mine.filter(pl.col("spent") <= pl.col("spent").min() * _ALIKE)
        if alike["backend"].n_unique() >= _SERVICES and alike.height >= _MOST_OF_THEM * mine.height:
            found.append(alike)
    return found


def _clue(cut: pl.DataFrame) -> Clue:
    services = sorted(cut["backend"].unique().to_list())
    seconds = min(cut["spent"].to_list()) / 1000
    times: list[datetime] = cut["time"].drop_nulls().to_list()
    return Clue(
        kind=_KIND,
        key="+".join(services),
        component="haproxy",
        host=cut["host"][0],
        type="misconfiguration",
        role="cause",
        weight=_WEIGHT,
        reporter="haproxy",
        statement=f"HAProxy gave up {cut.height} requests to {', '.join(services[:-1])} and {services[-1]} after "
        f"{seconds:.1f} s each: so soon and all alike it is no service that is slow, its own 'timeout server' is too short",
        records=tuple(cut["record"].head(_MOST)),
        count=cut.height,
        first=min(times, default=None),
        last=max(times, default=None),
        remediation="Set 'timeout server' in haproxy.cfg to 1 minute or more and reload HAProxy.",
        look_next=(
            "grep -n 'timeout server' haproxy.cfg and the files that it includes: which of them says this time?",
            "HAProxy's log shortly before the first 504: was it reloaded or restarted for a change?",
        ),
    )
