"""Programs whose processes were replaced by new ones during the logs, and what they could not have heard meanwhile."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from openstack_rca.correlation.times import bounds
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import on
from openstack_rca.records import Clue

STARTING = r"(?i)\b(starting|started|listening|loaded|launching|initializ)"
"""What a process writes that begins."""
_STOPPING = r"(?i)\b(SIGTERM|SIGINT|SIGHUP|stopping|stopped|shutting down|shutdown|exiting|terminat)"
_FIRST_WORDS, _LAST_WORDS = 12, 8
"""Among so many lines of a process it says that it starts, or that it stops."""
_MISSED, _REPORTED, _UNHEARD = timedelta(seconds=20), timedelta(seconds=60), 0.3
"""A program that was away so long has missed reports (report_interval: 10 s in nova, 30 s in neutron); all have come again so long
after its start; and what its calling others down is worth until then."""
_WEIGHT = 0.35


def restarts(table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each program and host whose process ids were replaced as a whole during the logs.

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
        if (replaced := _generation_change(processes.sort("first")))
    ]


def by_program(table: pl.DataFrame) -> Iterator[tuple[str, str | None, pl.DataFrame]]:
    """Yield the rows of each program and host of a table, in the order in which these appear."""
    for (service, host), rows in table.drop_nulls("service").group_by("service", "host", maintain_order=True):
        yield str(service), None if host is None else str(host), rows


def unheard(clues: Sequence[Clue]) -> list[Clue]:
    """Return the clues; who calls others down when it was away itself has missed their reports, so that weighs less."""
    away = [c for c in clues if c.kind == "restart" and c.first and c.last and c.last - c.first >= _MISSED]

    def is_hasty(clue: Clue) -> bool:
        return clue.type == "service-down" and any(
            r.component == clue.reporter != clue.component
            and r.first and r.last and clue.first and r.first <= clue.first <= r.last + _REPORTED
            for r in away
        )  # fmt: skip

    return [replace(c, weight=_UNHEARD * c.weight) if is_hasty(c) else c for c in clues]


def _generation_change(processes: pl.DataFrame) -> tuple[datetime, datetime, int] | None:
    """Return when the old process ids ended, the new ones began, and the first new record; None without a clean cut."""
    for i in range(1, processes.height):
        old, new = processes.head(i), processes.tail(-i)
        (_, ended), (began, _) = bounds(old["last"]), bounds(new["first"])
        if ended < began and (new["starts"].any() or old["stops"].any()):
            return ended, began, int(new["record"][0])
    return None


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
