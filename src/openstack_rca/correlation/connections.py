"""Programs whose connections the message broker lost: a process that hangs misses heartbeats, one that died says no goodbye."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from openstack_rca.correlation.times import earliest, latest
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import on
from openstack_rca.records import UUID, Clue

_BROKER = "rabbitmq"
_CLIENT = rf"(?:- |client-provided name: )([a-z][\w-]+):(\d+):{UUID}"
"""oslo.messaging names its connections `<program>:<pid>:<uuid>` (client-provided name, impl_rabbit.py)."""
_ADDRESS = r"\((\[[\da-f:.]+\]|[\d.]+):\d+ -> "
_PROCESS = ("client", "client_pid", "address")
"""What tells processes apart: those of containers have the same ids on every host."""
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
    groups = lost.group_by(*_PROCESS, "hung", "embedded", maintain_order=True).agg(
        pl.len().alias("count"),
        pl.col("time").min().alias("first"),
        pl.col("time").max().alias("last"),
        pl.col("record"),
    )
    clues = []
    for r in groups.iter_rows(named=True):
        crowd = lost.filter((pl.col("time") - r["first"]).abs() <= _TOGETHER)["client"].n_unique()
        if crowd >= _SHARED_OUTAGE or _was_brief(r, met):
            continue
        component = graph.component_of(r["client"])
        own = table.filter((pl.col("service") == component) & pl.col("time").is_not_null())
        same = own.filter(pl.col("pid") == r["client_pid"])
        r["hung"] = r["hung"] or _noticed_hanging(same, r["first"])
        ended = _fallen_silent(same, r["first"], table)
        hosts = ended or same["host"].drop_nulls().cast(pl.String).unique().to_list()
        host = hosts[0] if len(hosts) == 1 else None
        clues.append(_lost_client(r, component, host, _is_harmless(r, own, same, met, bool(ended))))
    hanging = {c.component for c in clues if c.type == "timeout"}
    return [c for c in clues if c.type == "timeout" or c.component not in hanging]


def _is_harmless(lost: dict[str, Any], own: pl.DataFrame, same: pl.DataFrame, met: pl.DataFrame, ended: bool) -> bool:
    """Say whether a process lives on that lost connections, or another took its place at once.

    `own` are the records of the program, `same` those of processes of this id, `ended` says that these fell silent then. A
    process that writes nothing lives on where the broker meets it again, or where it lost but one of its connections: clients
    drop those that they use no more. In a web server they miss heartbeats while they have nothing to do.
    """
    since = lost["first"]
    if lost["hung"]:
        return bool(lost["embedded"] and same["time"].is_between(since - _QUICKLY, since).any())
    others = met.filter(pl.col("client") == lost["client"])
    again = others.filter(_is_of(lost))["last"].gt(lost["last"]).any()
    lives = same["time"].gt(since + _BRIEF).any() or again or lost["count"] == 1
    births = (own.group_by("pid").agg(pl.col("time").min())["time"], others["first"])
    return (lives and not ended) or any(b.is_between(since, since + _QUICKLY, closed="right").any() for b in births)


def _is_of(lost: dict[str, Any]) -> pl.Expr:
    """Select the rows of one process."""
    return pl.all_horizontal(pl.col(name).eq_missing(lost[name]) for name in _PROCESS)


def _fallen_silent(same: pl.DataFrame, since: datetime, table: pl.DataFrame) -> list[str | None]:
    """Return the hosts of processes that write nothing from a moment on, for longer than they ever wrote nothing before."""
    end = latest(table["time"])
    found = []
    for (host,), rows in same.group_by("host", maintain_order=True):
        before = rows.filter(pl.col("time") <= since + _BRIEF)["time"]
        gaps = pl.concat([before, pl.Series([since], dtype=before.dtype)]).sort().diff().drop_nulls()
        if before.len() == rows.height and end is not None and gaps.lt(end - since).all():
            found.append(None if host is None else str(host))
    return found


def _was_brief(lost: dict[str, Any], met: pl.DataFrame) -> bool:
    """Say whether a process left so soon after the broker met it that it was there for one task only, as console proxies are."""
    began = earliest(met.filter(_is_of(lost))["first"])
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
            address=text.str.extract(_ADDRESS, 1),
            hung=text.str.contains("missed heartbeats", literal=True),
            died=text.str.contains("unexpectedly closed|connection_closed_abruptly"),
        )
        .drop_nulls("client")
        .filter(pl.col("hung") | pl.col("died"))
        .sort("time")
    )


def _met(broker: pl.DataFrame) -> pl.DataFrame:
    """Return when the broker met each process: `client`, `client_pid`, `address`, `first`, `last`."""
    return (
        broker.drop_nulls("time")
        .filter(~pl.col("message").str.contains(_CLOSING, literal=True))
        .select(
            "time",
            client=pl.col("message").str.extract(_CLIENT, 1),
            client_pid=pl.col("message").str.extract(_CLIENT, 2),
            address=pl.col("message").str.extract(_ADDRESS, 1),
        )
        .drop_nulls("client")
        .group_by(_PROCESS)
        .agg(pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
    )


def _as_programs(clients: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Return clients under the names of the programs, and whether they are `embedded`: a web server that runs one is told by its
    process id, or left out.
    """
    runs = (
        table.filter(pl.col("pid").is_in(clients["client_pid"].implode()) & pl.col("logger").is_not_null())
        .group_by("pid")
        .agg(pl.col("service").cast(pl.String).unique())
        .filter(pl.col("service").list.len() == 1)
        .select(pl.col("pid"), program=pl.col("service").list.first())
    )
    return (
        clients.join(runs, left_on="client_pid", right_on="pid", how="left", maintain_order="left")
        .with_columns(embedded=pl.col("client").is_in(_RUNNERS))
        .with_columns(client=pl.when("embedded").then("program").otherwise("client"))
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
            f"systemctl status {component}: running since before {first:%H:%M:%S} confirms that it hangs",
            "ps -o pid,stat,wchan:32 of the process: D means that it waits for storage or the kernel (cat /proc/PID/stack)",
            "kill -USR2 PID of an OpenStack program writes the stacks of its threads (py-spy dump or strace -fp PID of any)",
        )
        if hung
        else (
            f"systemctl status {component}: not running, or running since {last:%H:%M:%S}, confirms that it went down",
            f"journalctl -k --since '{first:%Y-%m-%d %H:%M}' | grep -i 'killed process': a hit means the OOM killer",
        ),
    )


def _noticed_hanging(same: pl.DataFrame, lost: datetime) -> bool:
    """Say whether a process closed its connection itself, as it found that it had missed the heartbeats (impl_rabbit.py)."""
    around = same.filter(pl.col("time").is_between(lost - _NOTICED, lost + _NOTICED))
    return around["message"].str.contains(_TOO_LATE).any()
