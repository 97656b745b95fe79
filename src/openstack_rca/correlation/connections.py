"""Programs whose connections the message broker lost: a process that hangs misses heartbeats, one that died says no goodbye."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from openstack_rca.correlation.times import earliest
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import on
from openstack_rca.records import UUID, Clue

_BROKER = "rabbitmq"
_CLIENT = rf"- ([a-z][\w-]+):(\d+):{UUID}"
"""oslo.messaging names its connections `<program>:<pid>:<uuid>` (client-provided name, impl_rabbit.py)."""
_CLOSING = "closing AMQP connection"
_RUNNERS = ("uwsgi", "uwsgi_python3", "mod_wsgi", "apache2", "httpd", "gunicorn", "python", "python3")
"""Names under which programs connect that run inside another one."""
_SHARED_OUTAGE, _TOGETHER = 4, timedelta(seconds=20)
"""When the clients of so many programs lose their connection within this time, the broker is at fault, not they."""
_QUICKLY = timedelta(seconds=30)
"""A process that is replaced within this time was restarted, not lost (service_down_time is 60 s)."""
_BRIEF = timedelta(seconds=5)
"""A connection of no longer than this was for one task only; who writes longer than this after losing one lives on."""
_NOTICED = timedelta(seconds=2)
_TOO_LATE = "Too many heartbeats missed"
_HUNG_WEIGHT, _DIED_WEIGHT, _RETURNED_WEIGHT = 0.75, 0.7, 0.25
_MOST = 10


def lost_clients(table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each program whose broker connections ended without its saying goodbye.

    "missed heartbeats" means a process that hangs or is cut off, "unexpectedly closed" one that died, or that found after
    a long sleep that it had missed them. A process that was seen to hang and then lost its connections did not die of it.
    """
    broker = table.filter(pl.col("service") == _BROKER)
    lost, met = _as_programs(_lost(broker), table), _as_programs(_met(broker), table)
    hosts = _hosts_by_pid(table)
    groups = lost.group_by("client", "client_pid", "hung", maintain_order=True).agg(
        pl.len().alias("count"),
        pl.col("time").min().alias("first"),
        pl.col("time").max().alias("last"),
        pl.col("record"),
    )
    clues = []
    for r in groups.iter_rows(named=True):
        component = graph.component_of(r["client"])
        r["hung"] = r["hung"] or _noticed_hanging(table, component, r["client_pid"], r["first"])
        crowd = lost.filter((pl.col("time") - r["first"]).abs() <= _TOGETHER)["client"].n_unique()
        returned = not r["hung"] and (
            _speaks_later(table, component, r["client_pid"], r["first"])
            or _replaced(met.filter(pl.col("client") == r["client"]), r["first"])
        )
        if crowd >= _SHARED_OUTAGE or _was_brief(r, met):
            continue
        clues.append(_lost_client(r, component, hosts.get((component, r["client_pid"])), returned))
    hanging = {c.component for c in clues if c.type == "timeout"}
    return [c for c in clues if c.type == "timeout" or c.component not in hanging]


def _was_brief(lost: dict[str, Any], met: pl.DataFrame) -> bool:
    """Say whether a process left so soon after the broker met it that it was there for one task only, as console proxies are."""
    own = (pl.col("client") == lost["client"]) & (pl.col("client_pid") == lost["client_pid"])
    began = earliest(met.filter(own)["time"])
    return began is not None and began <= lost["first"] and lost["last"] - began <= _BRIEF


def _lost(broker: pl.DataFrame) -> pl.DataFrame:
    """Return the broker's reports of lost clients: `client`, `client_pid`, `hung`; its lines of one second are one report."""
    reports = (
        broker.sort("record")
        .group_by("pid", pl.col("time").dt.truncate("1s").alias("second"), maintain_order=True)
        .agg(
            pl.col("record", "time").first(),
            text=pl.concat_str("message", pl.lit(" "), pl.col("detail").fill_null("")).str.join(" "),
        )
    )
    text = pl.col("text")
    return (
        reports.filter(text.str.contains(_CLOSING, literal=True))
        .with_columns(
            client=text.str.extract(_CLIENT, 1),
            client_pid=text.str.extract(_CLIENT, 2),
            hung=text.str.contains("missed heartbeats", literal=True),
            died=text.str.contains("unexpectedly closed|connection_closed_abruptly"),
        )
        .drop_nulls("client")
        .filter(pl.col("hung") | pl.col("died"))
        .sort("time")
    )


def _met(broker: pl.DataFrame) -> pl.DataFrame:
    """Return when the broker first met each process: `client`, `client_pid`, `time`."""
    return (
        broker.drop_nulls("time")
        .filter(~pl.col("message").str.contains(_CLOSING, literal=True))
        .select(
            "time",
            client=pl.col("message").str.extract(_CLIENT, 1),
            client_pid=pl.col("message").str.extract(_CLIENT, 2),
        )
        .drop_nulls("client")
        .group_by("client", "client_pid")
        .agg(pl.col("time").min())
    )


def _as_programs(clients: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Return clients under the names of the programs: a web server that runs one is told by its process id, or left out."""
    runs = (
        table.filter(pl.col("pid").is_in(clients["client_pid"].implode()) & pl.col("logger").is_not_null())
        .group_by("pid")
        .agg(pl.col("service").cast(pl.String).unique())
        .filter(pl.col("service").list.len() == 1)
        .select(pl.col("pid"), program=pl.col("service").list.first())
    )
    return (
        clients.join(runs, left_on="client_pid", right_on="pid", how="left", maintain_order="left")
        .with_columns(client=pl.when(pl.col("client").is_in(_RUNNERS)).then("program").otherwise("client"))
        .drop("program")
        .drop_nulls("client")
    )


def _lost_client(lost: dict[str, Any], component: str, host: str | None, returned: bool) -> Clue:
    hung, first, last = lost["hung"], lost["first"], lost["last"]
    what = "stopped answering the message broker (missed heartbeats)" if hung else "lost its broker connections at once"
    return Clue(
        kind="connection",
        key=f"{component}:{'hung' if hung else 'died'}:{host}",
        component=component,
        host=host,
        type="timeout" if hung else "service-down",
        role="context" if returned else "cause",
        weight=_RETURNED_WEIGHT if returned else _HUNG_WEIGHT if hung else _DIED_WEIGHT,
        reporter=_BROKER,
        statement=f"{component}{on(host)} {what}: the process "
        + ("hangs or is cut off from the broker" if hung else "was killed, crashed or was stopped"),
        records=tuple(lost["record"][:_MOST]),
        count=lost["count"],
        first=first,
        last=last,
        remediation=f"Look at the process of {component}{on(host)}: "
        + (
            "what blocks it (stack dump, swap, storage)? Restart it."
            if hung
            else "restart it and find out what ended it."
        ),
        look_next=(
            f"systemctl status {component}: not running, or running since {last:%H:%M:%S}, confirms that it went down",
            f"journalctl -k --since '{first:%Y-%m-%d %H:%M}' | grep -i 'killed process': a hit means the OOM killer",
        ),
    )


def _hosts_by_pid(table: pl.DataFrame) -> dict[tuple[str, str], str]:
    """Return the host of each program and process id."""
    rows = table.select("service", "pid", "host").drop_nulls().unique(subset=["service", "pid"], keep="first")
    return {(s, p): h for s, p, h in rows.iter_rows()}


def _noticed_hanging(table: pl.DataFrame, component: str, pid: str, lost: datetime) -> bool:
    """Say whether a process closed its connection itself, as it found that it had missed the heartbeats (impl_rabbit.py)."""
    around = pl.col("time").is_between(lost - _NOTICED, lost + _NOTICED)
    own = table.filter((pl.col("service") == component) & (pl.col("pid") == pid) & around)
    return own.filter(pl.col("message").str.contains(_TOO_LATE)).height > 0


def _speaks_later(table: pl.DataFrame, component: str, pid: str, since: datetime) -> bool:
    """Say whether the process lived on after its connection was lost, or another took its place at once."""
    own = table.filter((pl.col("service") == component) & pl.col("time").is_not_null())
    lived_on = own.filter((pl.col("pid") == pid) & (pl.col("time") > since + _BRIEF)).height > 0
    return lived_on or _replaced(own.group_by("pid").agg(pl.col("time").min()), since)


def _replaced(births: pl.DataFrame, since: datetime) -> bool:
    """Say whether one of the processes, of which `time` is the first sign of life, came up soon after a moment."""
    return births["time"].is_between(since, since + _QUICKLY, closed="right").any()
