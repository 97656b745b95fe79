"""Programs that were stopped in order and did not come back at once: what their own last words and the quiet after them show."""

from datetime import datetime, timedelta

import polars as pl

from openstack_rca.correlation.restarts import STARTING, by_program
from openstack_rca.correlation.times import earliest, latest
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import on
from openstack_rca.records import Clue

_GOODBYE = (
    r"Caught SIG(?:TERM|INT), (?:exiting|stopping children)|SIGINT/SIGTERM received|goodbye to uWSGI"
    r"|caught SIGTERM, shutting down|Normal shutdown|Shutdown complete|Signal SIGTERM received|Received SIGTERM|SIGTERM received"
    r"|stopping command channel on"
)
"""oslo.service (service.py), uWSGI (core/uwsgi.c), Apache (AH00491), MariaDB, RabbitMQ, programs with handlers of their own, BIND."""
_DYING = timedelta(seconds=10)
"""How long a program may go on writing after it was told to end."""
_DOWN = timedelta(seconds=20)
"""A restart in order takes less."""


def outages(table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each program and host that was told to stop and then wrote nothing for a while, or nothing more."""
    end = latest(table["time"])
    timed = table.drop_nulls(["service", "time"]).filter(pl.col("service") != "unknown")
    stops = timed.filter(pl.col("message").str.contains(_GOODBYE)).select("service", "host", "record", stopped="time")
    if stops.is_empty() or end is None:
        return []
    clues = []
    for service, host, told in by_program(stops):
        alive = timed.filter((pl.col("service") == service) & pl.col("host").eq_missing(host))
        for stopped, record in told.sort("stopped", "record").select("stopped", "record").iter_rows():
            back = _back(alive, stopped)
            if (back or end) - stopped >= _DOWN:
                clues.append(_outage(graph.component_of(service), host, stopped, back, record))
                break
    return clues


def _back(alive: pl.DataFrame, stopped: datetime) -> datetime | None:
    """Return when a program wrote again: once its dying words are over, or earlier when it says that it starts.

    A new process says so anywhere in a line; one of the same id (in a container they come again) with its first word.
    """
    before = alive.filter(pl.col("time") <= stopped)["pid"].unique()
    new = ~pl.col("pid").is_in(before.implode()) & pl.col("message").str.contains(STARTING)
    starts = new | pl.col("message").str.contains(rf"^\W*{STARTING}")
    return earliest(alive.filter(pl.col("time") > stopped, (pl.col("time") > stopped + _DYING) | starts)["time"])


def _outage(component: str, host: str | None, stopped: datetime, back: datetime | None, record: int) -> Clue:
    until = f"and was back at {back:%H:%M:%S}, {(back - stopped).seconds} s later" if back else "and wrote nothing more"
    return Clue(
        kind="outage",
        key=f"{component}:{host}",
        component=component,
        host=host,
        type="service-down",
        weight=0.65,
        reporter=component,
        statement=f"{component}{on(host)} was stopped at {stopped:%H:%M:%S} {until}",
        records=(record,),
        count=1,
        first=stopped,
        last=back or stopped,
        remediation=f"Start {component}{on(host)} and find out who or what stopped it.",
        look_next=(
            f"journalctl -u '*{component}*' --since '{stopped:%Y-%m-%d %H:%M}': who stopped it, and was it started again?",
        ),
    )
