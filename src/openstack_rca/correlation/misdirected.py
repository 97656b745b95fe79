"""Connections that were refused though somebody is there: at a wrong address, or with something in between."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import polars as pl

from openstack_rca.correlation.answers import UNREACHED
from openstack_rca.correlation.times import latest
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import on
from openstack_rca.records import Clue

_LOGIN = "auth-failure"
_OF_A_CONNECTION = frozenset({"network", _LOGIN})
"""Types that are about a connection where broker or database are accused: a service's network is one of the cloud's own."""
_TELLING = 0.15
"""From which weight on a clue tells of a failure."""
_FAILS = 0.5
"""From which weight on a component that many cannot reach says itself that it fails."""
_WEIGHT = 0.8
_SINCE_RESTART = timedelta(seconds=120)
"""How long after its start a program has used each of its connections."""
_MOMENT = timedelta(seconds=5)
"""What others complain of no longer than this is no lasting trouble."""
_QUIET = timedelta(seconds=20)
"""What writes nothing for longer than this after a complaint about a connection ended itself."""
_OTHERS = 2
"""How many other programs must have gone on with what one of them cannot reach."""
_ADDRESS = re.compile(r"https?://(?P<host>[\w.-]+):(?P<port>\d{2,5})")
_CATALOG = "keystone"
_REFUSED = "http-peer-refused"
_UNANSWERED = ("amqp-no-answer", "db-no-answer")
_STARTED = ("service-started", "nova-compute-started", "rabbitmq-started")
"""The signatures of a refused connection, of one without an answer, and of a start."""


def misdirected(clues: Sequence[Clue], table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each program that calls a wrong address, and for each that lives but cannot be reached.

    Who since its own restart is the only one that does not reach a component has a wrong address for it; so has who calls a
    port where nobody listens but which is nearly the right one. Whom nobody reached while its process lived was cut off, and so are
    the programs of the one host that do not reach what all others do.
    """
    complaints = [
        c for c in clues
        if (c.type in UNREACHED or c.finding in _UNANSWERED or (c.type in _OF_A_CONNECTION and _is_far(c.component, graph)))
        and c.role != "context" and c.weight >= _TELLING and c.reporter != c.component
        and graph.family(c.reporter) != "host"  # the kernel needs nobody
        and c.first and c.last
    ]  # fmt: skip
    found = []
    for accused in sorted({c.component for c in complaints}):
        about = sorted((c for c in complaints if c.component == accused), key=lambda c: (c.first, c.key))
        found += (
            _alone(about, clues, table, graph) or _mistyped(about, clues, table, graph) or _cut_off(about, clues, table)
        )
    return found


def _is_far(component: str, graph: ServiceGraph) -> bool:
    """Say whether a component is infrastructure that is reached over the network."""
    return graph.is_infrastructure(component) and not graph.is_local(component)


def _alone(about: list[Clue], clues: Sequence[Clue], table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue against the only program that cannot reach a component since it was started, or against the only host
    whose programs cannot.
    """
    lasting = [
        c for c in about
        if c.first and c.last and (c.last - c.first >= _MOMENT or (c.type == _LOGIN and _was_its_last(c, table)))
        and (c.role == "cause" or _is_named_in(c, table, graph))
    ]  # fmt: skip
    reporters, hosts = sorted({c.reporter for c in lasting}), _hosts(lasting, table)
    accused = about[0].component
    if (
        not lasting
        or len(hosts) > 1
        or any(_says_it_fails(accused, reporters, c) or _is_dead(accused, c) for c in clues)
    ):
        return []
    first, host = lasting[0], next(iter(hosts), None)
    until = max(c.last for c in lasting if c.last) + _MOMENT
    others = _going_on(table, first.first, until, accused, graph) - {(name, host) for name in reporters}
    if len(others) < _OTHERS:
        return []
    is_refused = any(c.type == _LOGIN for c in lasting)
    began = _restarted(first, clues) if len(reporters) == 1 else None
    if began is not None:
        return [_wrong_since_its_start(first, began, len(others), is_refused)]
    # what runs on that very host is reached without a network
    is_remote = not graph.is_per_host(accused) or graph.family(accused) == "host"
    if host is None or is_refused or not is_remote or not all(map(graph.is_per_host, reporters)):
        return []
    return [_host_without_network(host, lasting, len(others), graph)]


def _is_named_in(symptom: Clue, table: pl.DataFrame, graph: ServiceGraph) -> bool:
    """Say whether any record of a symptom names whom it accuses, who is only a guess where none does."""
    said = table.filter(pl.col("record").is_in(symptom.records)).select("logger", "message", "detail")
    return any(graph.is_named(symptom.component, " ".join(filter(None, row))) for row in said.iter_rows())


def _wrong_since_its_start(first: Clue, began: Clue, others: int, is_refused: bool) -> Clue:
    told = (
        f"{first.reporter} {'is refused by' if is_refused else 'cannot reach'} {first.component} since it was started at "
        f"{began.first:%H:%M:%S}, while {others} other programs that need it went on: its own "
        f"{'user, password or database' if is_refused else 'address for it'} is wrong"
    )
    return _wrong_address(
        replace(first, host=began.host), first.reporter, told, (*first.records[:3], *began.records[:1])
    )


def _host_without_network(host: str, lasting: list[Clue], others: int, graph: ServiceGraph) -> Clue:
    reporters, accused = sorted({c.reporter for c in lasting}), lasting[0].component
    blamed = max(reporters, key=lambda name: len(graph.needs(name)))
    told = (
        f"{' and '.join(reporters)} on {host} cannot reach {accused}, while {others} programs elsewhere that need it "
        f"went on: the network of {host} is at fault"
    )
    records = tuple(r for c in lasting for r in c.records[:2])
    return _cut(replace(lasting[0], component=blamed, host=host), told, records, accused)


def _was_its_last(complaint: Clue, table: pl.DataFrame) -> bool:
    """Say whether the process that complained wrote nothing more, though the logs go on: it ended itself."""
    pids = table.filter(pl.col("record").is_in(complaint.records))["pid"].drop_nulls()
    own = table.filter((pl.col("service") == complaint.reporter) & pl.col("pid").is_in(pids.implode()))
    last, end = latest(own["time"]), latest(table["time"])
    if not (complaint.last and last and end):
        return False
    return last <= complaint.last + _MOMENT and end >= complaint.last + _QUIET


def _going_on(
    table: pl.DataFrame, since: object, until: object, needed: str, graph: ServiceGraph
) -> set[tuple[str, str | None]]:
    """Return the programs, each with its host, that need a component and wrote in a span of time."""
    meanwhile = table.filter(pl.col("time").is_between(pl.lit(since), pl.lit(until)))
    wrote = meanwhile.select(pl.col("service").cast(pl.String), "host").unique().drop_nulls("service")
    named = {(graph.component_of(service), host) for service, host in wrote.iter_rows()}
    return {(name, host) for name, host in named if graph.depends(name, needed) == 1}


def _says_it_fails(component: str, callers: Sequence[str], clue: Clue) -> bool:
    """Say whether a component reports a failure other than that it lost those who complain of it."""
    return (
        clue.reporter == component and clue.component not in callers and clue.role == "cause" and clue.weight >= _FAILS
    )


def _is_dead(component: str, clue: Clue) -> bool:
    """Say whether the broker saw the program die, which is no matter of addresses then."""
    return clue.kind == "connection" and clue.role == "cause" and clue.component == component and clue.weight >= _FAILS


def _mistyped(about: list[Clue], clues: Sequence[Clue], table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue against who gave an address whose port is nearly that of the component: the caller if it was just
    started, else the catalog of keystone.
    """
    wanted = {r: c for c in reversed(about) for r in c.records}
    lines = table.filter(pl.col("record").is_in(list(wanted))).select("record", "message", "detail").sort("record")
    for record, message, detail in lines.iter_rows():
        for address in _ADDRESS.finditer(f"{message} {detail or ''}"):
            clue = wanted[record]
            if graph.at_port(address["port"]) or not _nearly(
                address["port"], graph.components.get(clue.component, {}).get("ports", ())
            ):
                continue
            blamed = clue.reporter if _restarted(clue, clues) else _CATALOG
            told = (
                f"{clue.reporter} looks for {clue.component} at {address[0]}, a port that nobody uses and that is nearly "
                f"the right one: the address in {'its configuration' if blamed == clue.reporter else 'the catalog'} is wrong"
            )
            return [_wrong_address(clue, blamed, told, (record,))]
    return []


def _cut_off(about: list[Clue], clues: Sequence[Clue], table: pl.DataFrame) -> list[Clue]:
    """Return a clue that a component lived on while several were refused: its process wrote before and after, with nobody
    starting it in between. A frozen process would not refuse, it would not answer.
    """
    refused = [c for c in about if c.role == "cause" and c.finding == _REFUSED and c.first and c.last]
    component = about[0].component
    if len({c.reporter for c in refused}) < _OTHERS or any(_is_new_process(component, c) for c in clues):
        return []
    first, last = min(c.first for c in refused if c.first), max(c.last for c in refused if c.last)
    own = table.filter((pl.col("service") == component) & pl.col("pid").is_not_null())
    before, after = own.filter(pl.col("time") < first), own.filter(pl.col("time") > last)
    lived = after.filter(pl.col("pid").is_in(before["pid"].implode()))
    if lived.is_empty():
        return []
    told = (
        f"{component} refused {len({c.reporter for c in refused})} programs from {first:%H:%M:%S} to {last:%H:%M:%S}, but its "
        f"process {lived['pid'][0]} wrote before and after: something between them rejected the connections"
    )
    cut = replace(refused[0], first=first, last=last, host=None)
    return [_cut(cut, told, (before["record"][-1], *refused[0].records[:2], lived["record"][0]))]


def _is_new_process(component: str, clue: Clue) -> bool:
    """Say whether a clue tells that a component ended or began: in a container a new process may have the old one's id."""
    told = clue.kind in ("restart", "outage") or clue.finding in _STARTED
    return told and clue.component == component


def _cut(complaint: Clue, told: str, records: tuple[int, ...], victim: str | None = None) -> Clue:
    where = on(complaint.host)
    return replace(
        complaint,
        kind="address",
        key=f"{complaint.component}:cut off",
        finding="",
        type="network",
        role="cause",
        weight=_WEIGHT,
        reporter=complaint.component,
        statement=told,
        records=records,
        remediation=f"Look for what stops the connections of {complaint.component}{where}: firewall, cable, switch, load balancer.",
        look_next=(
            f"iptables -L -n -v; nft list ruleset{where}: a rule with REJECT or DROP for the port, and its counters",
        ),
        exculpates=victim,
    )


def _hosts(about: list[Clue], table: pl.DataFrame) -> set[str]:
    """Return the hosts on which complaints were written."""
    written = table.filter(pl.col("record").is_in([r for c in about for r in c.records]))
    return {str(host) for host in written["host"].drop_nulls()}


def _restarted(clue: Clue, clues: Sequence[Clue]) -> Clue | None:
    """Return the clue of the reporter's start shortly before its first complaint."""
    return next(
        (
            c for c in clues
            if (c.kind == "restart" or c.finding in _STARTED) and c.component == clue.reporter and c.first and clue.first
            and clue.first - _SINCE_RESTART <= c.first <= clue.first
        ),
        None,
    )  # fmt: skip


def _nearly(port: str, right: Sequence[int]) -> bool:
    """Say whether a port differs from a right one by one digit, or by the order of its digits."""
    return any(
        len(port) == len(own)
        and (sorted(port) == sorted(own) or sum(a != b for a, b in zip(port, own, strict=True)) == 1)
        for own in map(str, right)
    )


def _wrong_address(complaint: Clue, blamed: str, told: str, records: tuple[int, ...]) -> Clue:
    return Clue(
        kind="address",
        key=f"{blamed}>{complaint.component}",
        finding=f"{blamed}>{complaint.component}",
        component=blamed,
        host=complaint.host if blamed == complaint.reporter else None,
        type="misconfiguration",
        weight=_WEIGHT,
        reporter=blamed,
        statement=told,
        records=records,
        count=complaint.count,
        first=complaint.first,
        last=complaint.last,
        remediation=f"Correct the address of {complaint.component} in the configuration of {blamed}."
        if blamed != _CATALOG
        else f"Correct the URL of {complaint.component} in keystone's catalog (openstack endpoint set --url).",
        look_next=(
            "openstack endpoint list: host and port of each interface"
            if blamed == _CATALOG
            else f"grep for host, port, user and virtual host of {complaint.component} in the configuration of {blamed}",
        ),
        exculpates=complaint.component,
    )
