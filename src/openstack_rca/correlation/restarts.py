"""Programs whose processes were replaced by new ones during the logs, and what they could not have heard meanwhile."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from openstack_rca.correlation.times import bounds
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import on
from openstack_rca.records import Clue

STARTING = r"(?i)\b(starting|started|listening|loaded|launching|initializ|logging enabled)"
"""What a process writes that begins."""
_STOPPING = r"(?i)\b(SIGTERM|SIGINT|SIGHUP|stopping|stopped|shutting down|shutdown|exiting|exited|terminat)"
_FIRST_WORDS, _LAST_WORDS = 12, 8
"""Among so many lines of a process it says that it starts, or that it stops."""
_MISSED, _REPORTED, _UNHEARD = timedelta(seconds=20), timedelta(seconds=60), 0.3
"""A program that was away so long has missed reports (report_interval: 10 s in nova, 30 s in neutron); all have come again so long
after its start; and what its calling others down is worth until then."""
_DOWN, _NO_LOOP = "service-down", 2
"""Who refuses is down; who is started more often than this crashes again and again."""
_NO_ANSWER = frozenset({"timeout", "dependency-unreachable", _DOWN})
"""Types of clue which tell that somebody does not answer."""
_WEIGHT = 0.35


def restarts(table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each time that the process ids of a program on a host were replaced as a whole.

    The last words of the old processes or the first of the new ones must speak of stopping or starting: workers that
    merely take turns look alike otherwise.
    """
    ids = (
        table.filter(pl.col("pid").is_not_null() & pl.col("time").is_not_null() & pl.col("logger").is_not_null())
        .group_by("service", "host", "pid", maintain_order=True)
        .agg(
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            pl.col("record").min(),
            pl.col("message").head(_FIRST_WORDS).str.contains(STARTING).any().alias("starts"),
            pl.col("message").tail(_LAST_WORDS).str.contains(_STOPPING).any().alias("stops"),
        )
    )
    return [
        _restart(graph.component_of(service), host, *replaced)
        for service, host, processes in by_program(ids)
        for replaced in _generation_changes(processes.sort("first"))
    ]


def by_program(table: pl.DataFrame) -> Iterator[tuple[str, str | None, pl.DataFrame]]:
    """Yield the rows of each program and host of a table, in the order in which these appear."""
    for (service, host), rows in table.drop_nulls("service").group_by("service", "host", maintain_order=True):
        yield str(service), None if host is None else str(host), rows


def unheard(clues: Sequence[Clue]) -> list[Clue]:
    """Return the clues; what only a restart makes one miss weighs less.

    Who calls others down when it was away itself has missed their reports. Whom a program does not answer that was restarted at
    once has asked its old processes.
    """
    restarted = [c for c in clues if c.kind == "restart" and c.first and c.last]
    long, short = [r for r in restarted if _away(r) >= _MISSED], [r for r in restarted if _away(r) < _MISSED]

    def is_hasty(clue: Clue) -> bool:
        own = [r for r in long if r.component == clue.reporter]
        return clue.type == _DOWN and _is_soon_after(own, clue.first)

    def is_lost(clue: Clue) -> bool:
        own = [r for r in short if r.component == clue.component]
        answered = len(own) <= _NO_LOOP or clue.type != _DOWN
        return (
            clue.type in _NO_ANSWER and answered and _is_soon_after(own, clue.first) and _is_soon_after(own, clue.last)
        )

    return [
        replace(c, weight=_UNHEARD * c.weight) if c.reporter != c.component and (is_hasty(c) or is_lost(c)) else c
        for c in clues
    ]


def _away(restart: Clue) -> timedelta:
    return restart.last - restart.first if restart.first and restart.last else timedelta(0)


def _is_soon_after(restarts: Sequence[Clue], moment: datetime | None) -> bool:
    """Say whether a moment lies between the end of old processes and the last report that the new ones wait for."""
    return any(r.first and r.last and moment and r.first <= moment <= r.last + _REPORTED for r in restarts)


def _generation_changes(processes: pl.DataFrame) -> Iterator[tuple[datetime, datetime, int]]:
    """Yield for each clean cut when the old process ids ended, the new ones began, and the first new record."""
    for i in range(1, processes.height):
        old, new = processes.head(i), processes.tail(-i)
        (_, ended), (began, _) = bounds(old["last"]), bounds(new["first"])
        if ended < began and (new["starts"].any() or old["stops"].any()):
            yield ended, began, int(new["record"][0])


def _restart(component: str, host: str | None, ended: datetime, began: datetime, record: int) -> Clue:
    return Clue(
        kind="restart",
        key=f"{component}:{host}",
        component=component,
        host=host,
        type="service-down",
        role="context",
        weight=_WEIGHT,
        reporter=component,
        statement=f"{component}{on(host)} was restarted: its old processes wrote last at {ended:%H:%M:%S}, new ones began at "
        f"{began:%H:%M:%S}",
        records=(record,),
        count=1,
        first=ended,
        last=began,
        look_next=(
            f"journalctl -u '*{component}*' --since '{ended:%Y-%m-%d %H:%M}': who restarted it, and with which change?",
        ),
    )
