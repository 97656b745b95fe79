"""Servers that waited in vain for their port in a cloud with OVN -> the first step of wiring it that is missing.

nova-compute plugs the port, ovn-northd makes its northbound row a southbound binding, the host's ovn-controller claims
that, wires it and sets it up in the southbound database (controller/binding.c, if-status.c of OVN), ovn-northd copies this
to the northbound one, and neutron-server, which watches that, tells nova (neutron/plugins/ml2/drivers/ovn/mech_driver/).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from openstack_rca.correlation.plugging import UNPROVEN, Wait, awaited_ports
from openstack_rca.records import UUID, Clue

_CONTROLLER, _NORTHD, _SERVER, _WAITER = "ovn-controller", "ovn-northd", "neutron-server", "nova-compute"
_PLUGGED, _CLAIMED, _INSTALLED, _UP, _REPORTED = "plugged", "claimed", "installed", "up", "reported"
_SAYS = {
    _PLUGGED: rf"Successfully plugged vif .*\bid=({UUID})",
    _CLAIMED: r"(?:Claiming|Changing chassis for) lport (\S+) (?:for|from)",
    _INSTALLED: r"Setting lport (\S+) ovn-installed in OVS",
    _UP: r"Setting lport (\S+) up in Southbound",
    _REPORTED: r"OVN reports status up for port: (\S+)",
}
_MARGIN = timedelta(seconds=10)
"""How much earlier than nova-compute's line the port may have been claimed."""
_MOST = 3


class _Line(NamedTuple):
    """What one line tells of a port."""

    step: str
    port: str
    host: str | None
    time: datetime
    record: int


class _Fault(NamedTuple):
    """A missing step: which, who did not take it, how, how surely that is its own fault, and what helps."""

    step: str
    component: str
    type: str
    weight: float
    missing: str
    remediation: str


_UNBOUND = _Fault(
    _CLAIMED, _NORTHD, "service-down", 0.8,
    "no ovn-controller claimed the port, nor any other meanwhile, as ovn-northd made no southbound binding of it",
    "Let ovn-northd go on or restart it; run a standby of it.",
)  # fmt: skip
_SILENT = _Fault(
    _CLAIMED, _CONTROLLER, "service-down", 0.7,
    "the ovn-controller of its host did not claim the port and wrote nothing any more",
    "Restart ovn-controller on this host.",
)  # fmt: skip
_IGNORED = _Fault(
    _CLAIMED, _CONTROLLER, "network", 0.7,
    "the ovn-controller of its host did not claim the port, while others claimed theirs",
    "Check ovn-controller's connections to the southbound database and to Open vSwitch on this host.",
)  # fmt: skip
_UNWIRED = _Fault(
    _UP, _CONTROLLER, "network", 0.7,
    "ovn-controller claimed the port, but never had it wired and up",
    "Check ovn-controller on this host: its connection to the southbound database, and whether Open vSwitch takes its flows.",
)  # fmt: skip
_UNHEARD = _Fault(
    _REPORTED, _SERVER, "dependency-unreachable", 0.6,
    "OVN had the port up in its southbound database, but neutron-server never heard of it",
    "Check neutron-server's connection to the northbound database; restart it when that is well.",
)  # fmt: skip
_LOOK = (
    "ovn-sbctl find Port_Binding logical_port=<port>: none means ovn-northd, without chassis ovn-controller, up=true neutron-server",
    "ovn-appctl -t ovn-northd status; ovn-appctl -t ovn-controller connection-status: no answer means that it hangs",
)


def ovn_clues(table: pl.DataFrame) -> list[Clue]:
    """Return a clue for each first missing step (and its host) of ports that nova-compute waited for; none without OVN."""
    table = table.filter(pl.col("time").is_not_null())
    awaited, wrote = awaited_ports(table), _last_words(table)
    if not awaited or not wrote:
        return []
    lines = _lines(table)
    logged = {line.step for line in lines}
    found: dict[tuple[_Fault, str | None], list[tuple[Wait, _Line | None]]] = defaultdict(list)
    for port, wait in awaited.items():
        mine, others, host = _meanwhile(port, wait, lines)
        fault = _missing({line.step for line in mine}, logged)
        if fault is _UNBOUND:
            fault = _who_claims_not(host, mine, others, wrote)
        if fault is not None:
            found[fault, host if fault.component == _CONTROLLER else None].append((wait, mine[-1] if mine else None))
    return [_clue(fault, host, ports, len(awaited), fault.step in logged) for (fault, host), ports in found.items()]


def _last_words(table: pl.DataFrame) -> dict[str | None, datetime]:
    """Return when the ovn-controller of each host wrote last."""
    controllers = table.filter(pl.col("service").cast(pl.String) == _CONTROLLER)
    return dict(controllers.group_by(pl.col("host").cast(pl.String)).agg(pl.col("time").max()).iter_rows())


def _lines(table: pl.DataFrame) -> list[_Line]:
    """Return what the lines say of steps that ports took, by time."""
    told = [
        _Line(step, *row)
        for step, says in _SAYS.items()
        for row in table.select(pl.col("message").str.extract(says), "host", "time", "record").drop_nulls("message").iter_rows()
    ]  # fmt: skip
    return sorted(told, key=lambda line: (line.time, line.record))


def _meanwhile(port: str, wait: Wait, lines: Sequence[_Line]) -> tuple[list[_Line], list[_Line], str | None]:
    """Return what became of a port and of others from its plugging to the end of the wait, and the host that plugged it.

    A port that was plugged before may have taken all steps then.
    """
    end = wait.time or datetime.max
    before = [line for line in lines if line.time <= end]
    plugged = next((line for line in reversed(before) if (line.step, line.port) == (_PLUGGED, port)), None)
    since = plugged.time - _MARGIN if plugged else datetime.min
    during = [line for line in before if line.time >= since]
    mine = [line for line in during if line.port == port]
    return mine, [line for line in during if line.port != port], plugged.host if plugged else wait.host


def _missing(taken: set[str], logged: set[str]) -> _Fault | None:
    """Return the first step that a port did not take; older releases do not log every one."""
    if _REPORTED in taken:
        return None
    if not taken & {_CLAIMED, _INSTALLED, _UP}:
        return _UNBOUND
    if {_INSTALLED, _UP} & logged - taken:
        return _UNWIRED
    return _UNHEARD if _UP in taken and _REPORTED in logged else None


def _who_claims_not(
    host: str | None, mine: Sequence[_Line], others: Sequence[_Line], wrote: Mapping[str | None, datetime]
) -> _Fault:
    """Return who is to blame that a port was not claimed: its host's ovn-controller, or ovn-northd for all of them.

    Silence tells only where those of other hosts wrote: a chassis without anything to claim writes nothing.
    """
    since = mine[-1].time if mine else datetime.min
    awake = {name for name, last in wrote.items() if last >= since}
    if awake.isdisjoint({host, None}) and (awake or wrote.keys() <= {host}):
        return _SILENT
    return _IGNORED if any(line.step == _CLAIMED and line.host != host for line in others) else _UNBOUND


def _clue(
    fault: _Fault, host: str | None, ports: Sequence[tuple[Wait, _Line | None]], waits: int, proven: bool
) -> Clue:
    times = [wait.time for wait, _ in ports if wait.time]
    records = [r for wait, line in ports[:_MOST] for r in (wait.record, *((line.record,) if line else ()))]
    return Clue(
        kind="plugging",
        key=fault.missing,
        finding=fault.missing,
        component=fault.component,
        host=host,
        type=fault.type,
        weight=fault.weight * (1.0 if proven else UNPROVEN),
        reporter=_WAITER if fault.component != _SERVER else _SERVER,
        statement=f"{len(ports)} of {waits} ports that nova-compute waited for: {fault.missing}",
        records=tuple(records),
        count=len(ports),
        first=min(times, default=None),
        last=max(times, default=None),
        remediation=fault.remediation,
        look_next=_LOOK,
        exculpates=_SERVER if fault.component != _SERVER else None,
    )
