"""Programs that run since their restart, but under another name, or with backends that no longer fit what is asked for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import polars as pl

from openstack_rca.correlation.wording import on
from openstack_rca.records import Clue, ClueKind

_DOWN = "service-down"
_HEARD = timedelta(seconds=20)
"""So long after its start a program has reported: nova and cinder do every 10 s (report_interval), agents at once."""
_CONNECTIONS = frozenset({_DOWN, "dependency-unreachable", "auth-failure", "network", "timeout"})
_OF_ITS_RESTART: frozenset[ClueKind] = frozenset({"restart", "outage", "silence"})
_TROUBLE = 0.5
_WEIGHT, _MISFIT = 0.95, 0.8
_MISFITS = {"cinder-type-fits-no-backend": "cinder-volume", "manila-type-fits-no-backend": "manila-share"}
"""What a scheduler says when the extra specs of a type fit no backend, and who reports the backends to it."""
_SOON = timedelta(minutes=10)


def renamed(clues: Sequence[Clue], table: pl.DataFrame) -> list[Clue]:
    """Return a clue for each program that was restarted, writes on without trouble, and is called down all the same.

    Services and agents are known by their host (and backend); one that comes back with another `host`, `enabled_backends` or
    a fully qualified name is a new one, and what belongs to the old name stays behind. New names that it uses are told.
    """
    found = []
    for restart in (c for c in clues if c.kind == "restart"):
        mine = [c for c in clues if c.component == restart.component and restart.host in (None, c.host)]
        called_down = ((c, c.first) for c in mine if c.first and _is_about_now(c, restart))
        complaint, since = next(called_down, (None, None))
        if complaint is None or since is None or any(_is_troubled(c, restart) for c in clues):
            continue
        own = table.filter(
            pl.col("service") == restart.component,
            pl.lit(True) if restart.host is None else pl.col("host") == restart.host,
            pl.col("time") >= restart.last,
        ).sort("time", "record")
        at_first = own.filter(pl.col("time") < pl.lit(restart.last) + _HEARD)
        if at_first.is_empty():
            continue
        names = dict(_new_names(own, table, complaint))
        late = own.filter(pl.col("time") >= (since - _HEARD if names else since))
        if not set(late["pid"]) & set(at_first["pid"]):
            continue  # that process ended after all
        accuser = next((c.component for c in clues if c.role == "cause" and (c.host or "").rstrip(".") in names), None)
        found.append(_clue(restart, complaint, own, names, accuser))
    return found


def misfits(clues: Sequence[Clue]) -> list[Clue]:
    """Return a clue for each program of which no backend fits what is asked for, and which was restarted shortly before."""
    found = []
    for complaint in clues:
        provider = _MISFITS.get(complaint.finding)
        restart = next(
            (
                c for c in clues
                if c.kind == "restart" and c.component == provider and c.last and complaint.first
                and c.last <= complaint.first <= c.last + _SOON
            ),
            None,
        )  # fmt: skip
        if restart is not None:
            found.append(
                replace(
                    complaint,
                    kind="address",
                    key=f"{restart.component}:{restart.host}:misfit",
                    finding="",
                    component=restart.component,
                    host=restart.host,
                    weight=_MISFIT,
                    statement=f"{restart.statement}; since then no backend has what the type asks for ({complaint.reporter}, "
                    f"{complaint.count} times)",
                    records=(complaint.records[0], *restart.records, *complaint.records[1:2]),
                    remediation=f"Give the backends of {restart.component} the names and capabilities again that the type asks for "
                    "(its backend sections), or change the extra specs of the type.",
                    exculpates=complaint.component,
                )
            )
    return found


def _is_about_now(clue: Clue, restart: Clue) -> bool:
    """Say whether somebody else calls a program down later than its first report after a restart is due."""
    if clue.type != _DOWN or clue.role != "cause" or clue.reporter == clue.component or not clue.first or not clue.last:
        return False
    return restart.last is not None and clue.first > restart.last and clue.last >= restart.last + _HEARD


def _is_troubled(clue: Clue, restart: Clue) -> bool:
    """Say whether a restarted program complains of a connection, or of what it needs to work: its reports do not arrive then."""
    is_own = clue.reporter == restart.component and restart.host in (None, clue.host)
    itself = clue.kind == "signature" and clue.role == "cause" and clue.component == clue.reporter
    about = itself or (clue.type in _CONNECTIONS and clue.kind not in _OF_ITS_RESTART)
    return is_own and about and clue.role != "context" and clue.weight >= _TROUBLE


def _new_names(own: pl.DataFrame, table: pl.DataFrame, complaint: Clue) -> Iterator[tuple[str, int]]:
    """Yield the names that begin like the one that is called down and that only the new process uses, with their record."""
    if not complaint.host:
        return
    pattern = rf"\b{re.escape(complaint.host)}[.@][\w.@#-]*\w"
    before = table.filter(pl.col("time") < own["time"][0])["message"].str.extract_all(pattern).explode().unique()
    for record, message in own.filter(pl.col("message").str.contains(pattern)).select("record", "message").iter_rows():
        yield from ((name, record) for name in re.findall(pattern, message) if name not in before)


def _clue(restart: Clue, complaint: Clue, own: pl.DataFrame, names: dict[str, int], accuser: str | None) -> Clue:
    where = on(complaint.host)
    called = f" and calls itself {' and '.join(sorted(names)[:2])}" if names else ""
    told = (
        f"{restart.component}{where} was restarted at {restart.last:%H:%M:%S} and runs{called}, but {complaint.reporter} has "
        "not heard from it since: it reports under another name"
    )
    return replace(
        complaint,
        kind="address",
        key=f"{restart.component}:{complaint.host}:renamed",
        finding="",
        type="misconfiguration",
        weight=_WEIGHT,
        statement=told,
        records=tuple(
            dict.fromkeys([*list(names.values())[:2], *complaint.records[:2], *restart.records, own["record"][-1]])
        ),
        remediation=f"Give {restart.component} its former name again (host, enabled_backends, the name of the machine), or move "
        "what belongs to the old name.",
        look_next=(
            f"the host option of {restart.component}{where}, and hostname -f there",
            "openstack compute service list, volume service list, network agent list: the old name down, a new one up",
        ),
        exculpates=accuser,
    )
