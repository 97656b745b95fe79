"""Neutron's table of dead agents -> a clue against each of them, from its last report on (neutron/db/agents_db.py)."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import Clue

_COUNTED = re.compile(r"Agent healthcheck: found (?P<dead>\d+) dead agents out of (?P<all>\d+)")
_ROW = re.compile(
    r"^\s*(?P<kind>[A-Z][\w -]*? [Aa]gent)\s+(?P<seen>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)\S*\s+(?P<host>\S+)\s*$", re.M
)
_NEWS = timedelta(days=1)
"""Whose last report is older than this at the time of the table was removed long ago."""
_FEW = 1 / 3
"""Up to this share of all agents each has its own fault, beyond it they lack the same."""
_WEIGHT, _WITH_MANY = 0.75, 0.3
_TABLE = "neutron-dead-agents-found"
"""The signature of the line above the table."""
_MOST = 10


class _Dead(NamedTuple):
    """One row of one table: which agent, its last report, when it was told, by whom and where, and what that is worth."""

    component: str
    host: str
    kind: str
    seen: datetime
    told: datetime
    record: int
    reporter: str
    weight: float


def dead_agents(table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each agent that neutron counts as dead and that has reported within a day."""
    found: dict[tuple[str, str], list[_Dead]] = defaultdict(list)
    for row in _rows(table, graph):
        if row.told - row.seen <= _NEWS:
            found[row.component, row.host].append(row)
    return [_clue(rows) for rows in found.values()]


def _rows(table: pl.DataFrame, graph: ServiceGraph) -> Iterator[_Dead]:
    tables = table.filter(
        pl.col("message").str.contains("Agent healthcheck: found", literal=True), pl.col("time").is_not_null()
    )
    for record, time, service, message, detail in tables.select(
        "record", "time", "service", "message", "detail"
    ).iter_rows():
        counted = _COUNTED.search(message)
        if counted is None:
            continue
        few = int(counted["dead"]) <= max(1, int(counted["all"]) * _FEW)
        for row in _ROW.finditer(f"{message}\n{detail or ''}"):
            if component := graph.agent(row["kind"]):
                seen = datetime.fromisoformat(row["seen"])
                reporter = graph.component_of(service)
                weight = _WEIGHT if few else _WITH_MANY
                yield _Dead(component, row["host"], row["kind"], seen, time, record, reporter, weight)


def _clue(rows: list[_Dead]) -> Clue:
    first, last = min(rows, key=lambda row: row.seen), max(rows, key=lambda row: row.told)
    return Clue(
        kind="signature",
        key=f"{_TABLE}:{first.component}:{first.host}",
        finding=_TABLE,
        component=first.component,
        host=first.host,
        type="service-down",
        weight=max(row.weight for row in rows),
        reporter=first.reporter,
        statement=f"{first.reporter} counts the {first.kind} of {first.host} as dead: it last reported at {first.seen:%H:%M:%S}",
        records=tuple(row.record for row in rows[:_MOST]),
        count=len(rows),
        first=first.seen,
        last=last.told,
        remediation=f"Restart {first.component} on {first.host} and find out what stopped or hung it.",
        look_next=(
            f"systemctl status {first.component} on {first.host}, and the last line of its log",
            "openstack network agent list: when all agents of one host are down, look at the host or its way to RabbitMQ",
        ),
        exculpates=first.reporter,
    )
