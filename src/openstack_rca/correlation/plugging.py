"""Servers that waited in vain for their port -> the step of plugging it that was the first to be missing.

The L2 agent asks neutron-server for the port's details, wires it and reports it up; neutron-server then sends nova the event
network-vif-plugged (neutron/db/provisioning_blocks.py, neutron/notifiers/nova.py; nova/compute/manager.py waits for it).
"""

import re
from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

import polars as pl

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import UUID, Clue, CodeLocation

_WAITED = re.compile(r"Timeout waiting for \[(?P<events>[^\]]*network-vif-plugged[^\]]*)\]")
_TOLD = r"network-vif-plugged"
_WIRED = r"^Port \S+ updated\. Details|OVN reports status up for port"
_REPORTED = r"^Configuration for devices up \["
"""How the Open vSwitch agent names the ports that it reported up (ovs_neutron_agent.py, _bind_devices)."""
_UNKNOWN = r"^Device \S+ not defined on plugin"
_UNBOUND = r"not bound, vif_type: unbound"
_BINDING = r"(?i)(?:attempting|failed|unable|refusing) to bind port"
"""What ml2 says of a port that it was asked to bind (neutron/plugins/ml2/managers.py, mech_agent.py)."""
UNPROVEN = 0.7
"""What a clue keeps of its weight when no other port shows that the missing step is logged in this cloud."""
_MOST_OF_THEM = 0.6
_SERVER = "neutron-server"
_MOST = 3


class Wait(NamedTuple):
    """Where nova-compute says that it waited in vain."""

    record: int
    time: datetime | None
    host: str | None


class _Step(NamedTuple):
    """How far a port came: who did not do what, how surely that is its own fault, and its modules that do it."""

    component: str
    missing: str
    weight: float
    modules: tuple[str, ...]


_NOT_TOLD = _Step(_SERVER, "the agent had wired the port, but neutron-server never sent nova its event", 0.5,
                  ("neutron/plugins/ml2/rpc.py", "neutron/db/provisioning_blocks.py", "neutron/notifiers/nova.py"))  # fmt: skip
_NOT_REPORTED = _Step("neutron-openvswitch-agent", "the agent had wired the port, but did not report it up to neutron-server", 0.6,
                      ("neutron/plugins/ml2/drivers/openvswitch/agent/ovs_neutron_agent.py",))  # fmt: skip
_NOT_KNOWN = _Step(_SERVER, "the agent asked for the port, but neutron-server gave no details of it", 0.35,
                   ("neutron/plugins/ml2/rpc.py", "neutron/plugins/ml2/db.py"))  # fmt: skip
_NOT_ASKED = _Step(
    "nova-compute", "neutron was never asked to bind the port to a host", 0.5, ("nova/network/neutron.py",)
)
"""A port that nova bound to no host (binding:host_id) has no details either."""


def unplugged(table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue against neutron-server where most ports that nova-compute waited for got stuck there, against the agent that
    wired them and did not say so, or against nova-compute where it had them bound to no host; none else.
    """
    ports = awaited_ports(table)
    if not ports:
        return []
    neutron = graph.programs(table, lambda name: graph.family(name) == graph.family(_SERVER))
    lines = table.filter(pl.col("service").is_in(neutron))
    told, wired, reported, unknown, unbound, binding = (
        lines.filter(pl.col("message").str.contains(what))
        for what in (_TOLD, _WIRED, _REPORTED, _UNKNOWN, _UNBOUND, _BINDING)
    )
    stuck: dict[_Step, list[tuple[int, int, datetime | None]]] = defaultdict(list)
    for port, (record, time, _) in ports.items():
        if _of(told, port) is not None:
            continue
        unasked = unbound if _of(binding, port) is None else unbound.clear()
        after_wiring = _NOT_TOLD if reported.is_empty() or _of(reported, port) is not None else _NOT_REPORTED
        for step, seen in ((after_wiring, wired), (_NOT_ASKED, unasked), (_NOT_KNOWN, unknown)):
            if (last := _of(seen, port)) is not None:
                stuck[step].append((record, last, time))
                break
    if not stuck:
        return []
    step, found = max(stuck.items(), key=lambda s: len(s[1]))
    if len(found) < _MOST_OF_THEM * len(ports):
        return []
    proven = step in (_NOT_ASKED, _NOT_REPORTED) or not (told if step is _NOT_TOLD else wired).is_empty()
    return [_clue(step, found, len(ports), step.weight * (1.0 if proven else UNPROVEN))]


def awaited_ports(table: pl.DataFrame) -> dict[str, Wait]:
    """Return the ports that nova-compute waited for in vain, each with the last time that it did."""
    waits = table.filter(pl.col("message").str.contains(_WAITED.pattern))
    return {
        port: Wait(record, time, host)
        for record, time, host, message in waits.select("record", "time", "host", "message").iter_rows()
        for match in _WAITED.finditer(message)
        for port in re.findall(UUID, match["events"])
    }


def _of(lines: pl.DataFrame, port: str) -> int | None:
    """Return the last record that names a port, by its id or by the tap device named after it."""
    mine = lines.filter(pl.col("message").str.contains(rf"{port}|tap{port[:11]}"))
    return None if mine.is_empty() else int(mine["record"][-1])


def _clue(step: _Step, found: list[tuple[int, int, datetime | None]], ports: int, weight: float) -> Clue:
    times = [time for *_, time in found if time]
    return Clue(
        kind="plugging",
        key=step.missing,
        finding=step.missing,
        component=step.component,
        type="bug",
        weight=weight,
        reporter=step.component,
        statement=f"{len(found)} of {ports} ports that nova-compute waited for: {step.missing}",
        records=tuple(record for pair in found[:_MOST] for record in pair[:2]),
        count=len(found),
        first=min(times, default=None),
        last=max(times, default=None),
        code=tuple(CodeLocation(module, None, None) for module in step.modules),
        exculpates=_SERVER if step.component != _SERVER else None,
        look_next=(
            "openstack port show <port>: status and binding:host_id; the provisioning blocks of the port in neutron's database",
            "neutron-server at DEBUG: update_device_up, provisioning_complete and the events that it sends for the port",
        ),
    )
