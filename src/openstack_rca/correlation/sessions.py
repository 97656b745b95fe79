"""HAProxy's lines on sessions (httplog, tcplog) -> a table of how they ended, how long they waited, how many connections there were."""

import re
from functools import cache

import polars as pl

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.knowledge import read
from openstack_rca.records import Clue

PROXY = "haproxy"
_SESSION = (
    r" (?P<frontend>[^\s~]+)~? (?P<backend>[^\s/]+)/(?P<server>\S+) (?P<timers>[-+\d/]+)(?: (?P<status>-1|\d{3}))? \+?\d+(?: \S+ \S+)? "
    r"(?P<state>[CSPLRIDUKcs-][RQCHDLT-])[A-Z-]{0,2} (?P<connections>\d+)/(?P<of_frontend>\d+)/(?P<of_backend>\d+)/\d+/\+?\d+ \d+/\d+"
)
"""A line of httplog (timers Tq/Tw/Tc/Tr/Tt, status, 4 characters of state) or tcplog (Tw/Tc/Tt, 2 characters)."""
_HTTP_TIMERS = 5
_SURPLUS = re.compile(r"^(?P<rest>.+)[_-][^_-]+$")


def sessions(table: pl.DataFrame, graph: ServiceGraph) -> pl.DataFrame:
    """Return HAProxy's lines on sessions, with component (of the backend), frontend, server, status, state, connections, and
    the milliseconds that they `waited` in the queue and that the server `took`.
    """
    services = graph.programs(table, lambda name: name == PROXY)
    lines = (
        table.filter(pl.col("service").is_in(services))
        .with_columns(pl.col("message").str.extract_groups(_SESSION).alias("told"))
        .unnest("told")
        .filter(pl.col("state").is_not_null())
        .with_columns(
            pl.col("status", "connections", "of_frontend", "of_backend").cast(pl.Int64, strict=False),
            timers=pl.col("timers").str.split("/").list.eval(pl.element().cast(pl.Int64, strict=False)),
        )
    )
    is_http = pl.col("timers").list.len() == _HTTP_TIMERS
    named = {backend: _named(backend, graph) for backend in lines["backend"].unique()}
    return lines.with_columns(
        component=pl.col("backend").replace_strict(named, default=None, return_dtype=pl.String),
        waited=pl.col("timers").list.get(pl.when(is_http).then(1).otherwise(0), null_on_oob=True),
        took=pl.when(is_http).then(pl.col("timers").list.get(3, null_on_oob=True)),
    )


def is_of_sessions(clue: Clue) -> bool:
    """Say whether a clue is of the proxy's sessions."""
    return clue.reporter == PROXY and clue.kind in ("proxy", "wait")


def _named(backend: str, graph: ServiceGraph) -> str:
    """Return the component of a backend, whose name may go on after it ("nova_api_os_compute-back"); the name itself if none is."""
    name: str | None = backend
    while name:
        if found := graph.resolve(name) or graph.resolve(_programs().get(name.lower().replace("_", "-"))):
            return found
        shorter = _SURPLUS.match(name)
        name = shorter["rest"] if shorter else None
    return backend


@cache
def _programs() -> dict[str, str]:
    """Return the programs by the other names that they go by."""
    return {
        alias.replace("_", "-"): name for name, others in read("programs.yaml")["programs"].items() for alias in others
    }
