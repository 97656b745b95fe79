"""Processes that die, hang, restart or fall silent, seen from outside: by process ids, by the broker, by their own rhythm."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import Clue

_CLIENT = r"- ([a-z][\w-]+):(\d+):[0-9a-f-]{36}"
"""oslo.messaging names its connections `<program>:<pid>:<uuid>` (client-provided name, impl_rabbit.py)."""
_RUNNERS = ("uwsgi", "uwsgi_python3", "mod_wsgi", "apache2", "httpd", "gunicorn", "python", "python3")
"""Names under which programs connect that run inside another one."""
_SHARED_OUTAGE = 4
"""When the clients of this many programs lose their connection within `_TOGETHER`, the broker is at fault, not they."""
_TOGETHER = timedelta(seconds=20)
_QUICKLY = timedelta(seconds=30)
"""A process that is replaced within this time was restarted, not lost (service_down_time is 60 s)."""
_BRIEF = timedelta(seconds=5)
_NOTICED = timedelta(seconds=2)
_TOO_LATE = "Too many heartbeats missed"
STARTING = r"(?i)\b(starting|started|listening|loaded|launching|initializ)"
_STOPPING = r"(?i)\b(SIGTERM|SIGINT|SIGHUP|stopping|stopped|shutting down|shutdown|exiting|terminat)"
_MIN_SILENCE = 20.0
_MIN_EXPECTED = 6.0
_MANY, _UNASKED = 3, 0.4
"""From how many services on a common silence says little of each, and what it keeps of its weight."""
_STEADY_CELLS, _STEADY = 5, 0.8
_MISSED, _REPORTED, _UNHEARD = timedelta(seconds=20), timedelta(seconds=60), 0.3
"""A program that was away so long has missed reports (report_interval: 10 s in nova, 30 s in neutron); all have come again so long
after its start; and what its calling others down is worth until then."""


def lost_clients(table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each program whose broker connections ended without its saying goodbye.

    A process that was seen to hang and then lost its connections did not die of it.
    "missed heartbeats" means a process that hangs or is cut off, "unexpectedly closed" one that died, or that found after
    a long sleep that it had missed them.
    """
    broker = table.filter(pl.col("service") == "rabbitmq")
    lost, met = _by_program(_lost(broker), table), _by_program(_met(broker), table)
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
    began = met.filter(own)["time"].min()
    return isinstance(began, datetime) and began <= lost["first"] and lost["last"] - began <= _BRIEF


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
        reports.filter(text.str.contains("closing AMQP connection", literal=True))
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
        .filter(~pl.col("message").str.contains("closing AMQP connection", literal=True))
        .select(
            "time",
            client=pl.col("message").str.extract(_CLIENT, 1),
            client_pid=pl.col("message").str.extract(_CLIENT, 2),
        )
        .drop_nulls("client")
        .group_by("client", "client_pid")
        .agg(pl.col("time").min())
    )


def _by_program(clients: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
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


def _lost_client(r: dict[str, object], component: str, host: str | None, returned: bool) -> Clue:
    hung = bool(r["hung"])
    count, records = r["count"], r["record"]
    assert isinstance(count, int)
    assert isinstance(records, list)
    first, last = r["first"], r["last"]
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    where = f" on {host}" if host else ""
    what = "stopped answering the message broker (missed heartbeats)" if hung else "lost its broker connections at once"
    return Clue(
        kind="connection",
        key=f"{component}:{'hung' if hung else 'died'}:{host}",
        component=component,
        host=host,
        type="timeout" if hung else "service-down",
        role="context" if returned else "cause",
        weight=0.25 if returned else (0.75 if hung else 0.7),
        reporter="rabbitmq",
        statement=f"{component}{where} {what}: the process "
        + ("hangs or is cut off from the broker" if hung else "was killed, crashed or was stopped"),
        records=tuple(records[:10]),
        count=count,
        first=first,
        last=last,
        remediation=f"Look at the process of {component}{where}: "
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
    rows = table.select("service", "pid", "host").drop_nulls().unique(subset=["service", "pid"])
    return {(s, p): h for s, p, h in rows.iter_rows()}


def _noticed_hanging(table: pl.DataFrame, component: str, pid: str, lost: datetime) -> bool:
    """Say whether a process closed its connection itself, as it found that it had missed the heartbeats (impl_rabbit.py)."""
    around = pl.col("time").is_between(lost - _NOTICED, lost + _NOTICED)
    own = table.filter((pl.col("service") == component) & (pl.col("pid") == pid) & around)
    return own.filter(pl.col("message").str.contains(_TOO_LATE)).height > 0


def _speaks_later(table: pl.DataFrame, component: str, pid: str, since: datetime) -> bool:
    """Say whether the process lived on after its connection was lost, or another took its place within `_QUICKLY`."""
    own = table.filter((pl.col("service") == component) & pl.col("time").is_not_null())
    lived_on = own.filter((pl.col("pid") == pid) & (pl.col("time") > since + timedelta(seconds=5))).height > 0
    return lived_on or _replaced(own.group_by("pid").agg(pl.col("time").min()), since)


def _replaced(births: pl.DataFrame, since: datetime) -> bool:
    """Say whether one of the processes, of which `time` is the first sign of life, came up within `_QUICKLY`."""
    return births["time"].is_between(since, since + _QUICKLY, closed="right").any()


def restarts(table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each program and host whose process ids were replaced as a whole during the logs.

    The last words of the old processes or the first of the new ones must speak of stopping or starting: workers that
    merely take turns look alike otherwise.
    """
    ids = (
        table.filter(pl.col("pid").is_not_null() & pl.col("time").is_not_null() & pl.col("logger").is_not_null())
        .group_by("service", "host", "pid")
        .agg(
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            pl.col("record").min(),
            pl.col("message").head(12).str.contains(STARTING).any().alias("starts"),
            pl.col("message").tail(8).str.contains(_STOPPING).any().alias("stops"),
        )
    )
    clues = []
    for (service, host), group in ids.group_by("service", "host", maintain_order=True):
        if not isinstance(service, str):
            continue
        generation = _generation_change(group.sort("first"))
        if generation is None:
            continue
        ended, began, record = generation
        component = graph.component_of(service)
        clues.append(_restart(component, host if isinstance(host, str) else None, ended, began, record))
    return clues


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


def _generation_change(group: pl.DataFrame) -> tuple[datetime, datetime, int] | None:
    """Return when the old process ids ended, the new ones began, and the first new record; None without a clean cut."""
    for i in range(1, group.height):
        old, new = group.head(i), group.tail(group.height - i)
        ended, began = old["last"].max(), new["first"].min()
        assert isinstance(ended, datetime)
        assert isinstance(began, datetime)
        if ended < began and (new["starts"].any() or old["stops"].any()):
            return ended, began, int(new["record"][0])
    return None


def _restart(component: str, host: str | None, ended: datetime, began: datetime, record: int) -> Clue:
    where = f" on {host}" if host else ""
    return Clue(
        kind="restart",
        key=f"{component}:{host}",
        component=component,
        host=host,
        type="service-down",
        role="context",
        weight=0.35,
        reporter=component,
        statement=f"{component}{where} was restarted: its old processes wrote last at {ended:%H:%M:%S}, new ones began at "
        f"{began:%H:%M:%S}",
        records=(record,),
        count=1,
        first=ended,
        last=began,
        look_next=(
            f"journalctl -u '*{component}*' --since '{ended:%Y-%m-%d %H:%M}': who restarted it, and with which change?",
        ),
    )


def silences(table: pl.DataFrame, baseline: pl.DataFrame | None, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each program and host that wrote steadily and then stopped while others went on.

    Steady means: in its longest quiet stretch at least `_MIN_EXPECTED` records were to be expected from its own rate
    before, which it kept without long pauses; and the stretch is twice as long as any that the baseline shows.
    """
    end = table["time"].max()
    if not isinstance(end, datetime):
        return []
    usual = _longest_gaps(baseline) if baseline is not None else {}
    clues = []
    timed = table.filter(pl.col("logger").is_not_null()).select("service", "host", "time", "record")
    timed = timed.drop_nulls(["service", "time"]).sort("time")
    for (service, host), group in timed.group_by("service", "host", maintain_order=True):
        if not isinstance(service, str) or group.height < _MIN_EXPECTED:
            continue
        found = _longest_silence(group, end)
        if found is None or (found[1] - found[0]).total_seconds() < 2 * usual.get((service, host), 0.0):
            continue
        since, until, record, expected = found
        others = timed.filter(pl.col("time").is_between(since, until) & (pl.col("service") != service))[
            "service"
        ].n_unique()
        if others < 2:
            continue
        component = graph.component_of(service)
        clues.append(
            _silence(component, host if isinstance(host, str) else None, since, until, record, expected, until >= end)
        )
    return [replace(c, weight=c.weight * _UNASKED) if _is_common(c, clues, graph) else c for c in clues]


def _is_common(silence: Clue, silences: Sequence[Clue], graph: ServiceGraph) -> bool:
    """Say whether several services fell silent together: then rather nobody asked them for anything."""
    together = {
        graph.family(c.component)
        for c in silences
        if c.first and silence.first and abs(c.first - silence.first) <= _TOGETHER
    }
    return len(together) >= _MANY


def _longest_gaps(baseline: pl.DataFrame) -> dict[tuple[str | None, str | None], float]:
    """Return the seconds that each program and host was silent at the longest in health."""
    gaps = (
        baseline.drop_nulls("time")
        .sort("time")
        .group_by("service", "host")
        .agg(pl.col("time").diff().max().dt.total_microseconds() / 1e6)
    )
    return {(service, host): gap or 0.0 for service, host, gap in gaps.iter_rows()}


def _longest_silence(group: pl.DataFrame, end: datetime) -> tuple[datetime, datetime, int, float] | None:
    """Return start, end, last record and expected lines of the longest quiet stretch, if the program was steady before.

    Steady: cut into eighths of the stretch, nearly all of the time before it holds records.
    """
    times = pl.concat([group["time"], pl.Series("time", [end], dtype=group["time"].dtype)])
    gaps = times.diff().dt.total_microseconds().drop_nulls() / 1e6
    at = int(gaps.arg_max() or 0)
    longest, start = float(gaps[at]), group["time"][0]
    active = (group["time"][at] - start).total_seconds()
    width = longest / 8
    cells = int(active / width) if width else 0
    if longest < _MIN_SILENCE or cells < _STEADY_CELLS:
        return None
    filled = ((group["time"].head(at + 1) - start).dt.total_microseconds() / 1e6 / width).floor().n_unique()
    expected = longest * (at + 1) / active
    if expected < _MIN_EXPECTED or filled < _STEADY * cells:
        return None
    return group["time"][at], times[at + 1], int(group["record"][at]), expected


def _silence(
    component: str, host: str | None, since: datetime, until: datetime, record: int, expected: float, to_the_end: bool
) -> Clue:
    where = f" on {host}" if host else ""
    seconds = (until - since).total_seconds()
    return Clue(
        kind="silence",
        key=f"{component}:{host}",
        component=component,
        host=host,
        type="service-down",
        role="symptom",
        weight=0.5 if to_the_end else 0.4,
        reporter=component,
        statement=f"{component}{where} wrote nothing for {seconds:.0f} s after {since:%H:%M:%S}, where about {expected:.0f} "
        "lines were to be expected, while other services went on",
        records=(record,),
        count=1,
        first=since,
        last=until,
        remediation=f"Check whether {component}{where} is running; restart it and find out why it stopped.",
        look_next=(f"systemctl status {component}: not running confirms it; running means that it hangs",),
    )
