from typing import Any

import pytest
from tests.correlation.tables import log_table

from openstack_rca.correlation import load_topology, unplugged
from openstack_rca.records import Clue

GRAPH = load_topology()
ONE, TWO, OTHER = (f"{n}aaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee" for n in "123")
Row = dict[str, Any]


def waited(port: str) -> Row:
    text = f"Timeout waiting for [('network-vif-plugged', '{port}')] for instance with vm_state building"
    return {"service": "nova-compute", "message": text}


def wired(port: str) -> Row:
    return {"service": "neutron-openvswitch-agent", "message": f"Port {port} updated. Details: {{'device': 'x'}}"}


def unknown(port: str) -> Row:
    return {"service": "neutron-linuxbridge-agent", "message": f"Device tap{port[:11]} not defined on plugin"}


def told(port: str) -> Row:
    text = f"Nova event matching ['req-1'] response: {{'name': 'network-vif-plugged', 'tag': '{port}', 'code': 200}}"
    return {"service": "neutron-server", "message": text}


def found(*rows: Row) -> list[Clue]:
    return unplugged(log_table(*rows), GRAPH)


def test_a_port_that_was_wired_and_not_told_of_is_stuck_in_neutron_server() -> None:
    (clue,) = found(told(OTHER), wired(ONE), waited(ONE))
    assert (clue.component, clue.role, clue.count) == ("neutron-server", "cause", 1)
    assert clue.records == (2, 1)
    assert "never sent nova its event" in clue.statement
    assert [place.file for place in clue.code][:2] == [
        "neutron/plugins/ml2/rpc.py",
        "neutron/db/provisioning_blocks.py",
    ]


def test_a_port_that_neutron_gave_no_details_of_is_stuck_there_too_but_less_surely() -> None:
    (silent,) = found(wired(OTHER), unknown(ONE), waited(ONE))
    (untold,) = found(told(OTHER), wired(ONE), waited(ONE))
    assert "gave no details" in silent.statement
    assert silent.weight < untold.weight


def reported(*ports: str) -> Row:
    text = f"Configuration for devices up {list(ports)} and devices down [] completed."
    return {"service": "neutron-openvswitch-agent", "message": text}


def test_a_port_that_the_agent_wired_and_did_not_report_is_stuck_there() -> None:
    (clue,) = found(wired(ONE), reported(), wired(TWO), reported(), waited(ONE), waited(TWO))
    assert (clue.component, clue.count) == ("neutron-openvswitch-agent", 2)
    assert "did not report it up" in clue.statement
    (server,) = found(told(OTHER), wired(ONE), reported(ONE), waited(ONE))
    assert server.component == "neutron-server"


def unbound(port: str) -> Row:
    text = f"Device tap{port[:11]} requested by agent lb1 on network n not bound, vif_type: unbound"
    return {"service": "neutron-server", "message": text}


def test_a_port_that_nobody_asked_to_bind_is_the_fault_of_who_waits_for_it() -> None:
    (clue,) = found(unbound(ONE), unknown(ONE), waited(ONE))
    assert (clue.component, clue.exculpates) == ("nova-compute", "neutron-server")
    assert clue.records == (2, 0)
    assert [place.file for place in clue.code] == ["nova/network/neutron.py"]


def test_a_port_that_neutron_tried_to_bind_is_its_own_matter() -> None:
    tried = {
        "service": "neutron-server",
        "message": f"Failed to bind port {ONE} on host compute-1 for vnic_type normal",
    }
    (clue,) = found(tried, unbound(ONE), unknown(ONE), waited(ONE))
    assert clue.component == "neutron-server"


def test_what_this_cloud_may_not_log_proves_less() -> None:
    assert found(wired(ONE), waited(ONE))[0].weight < found(told(OTHER), wired(ONE), waited(ONE))[0].weight


@pytest.mark.parametrize(
    "rows",
    [
        [wired(ONE), told(ONE), waited(ONE)],
        [waited(ONE)],
        [wired(ONE)],
        [wired(ONE), waited(ONE), waited(TWO)],
        [wired(TWO), waited(ONE)],
    ],
    ids=["nova was told", "nobody wired it", "nobody waited", "one of two", "another was wired"],
)
def test_where_it_is_stuck_elsewhere_neutron_server_is_not_accused(rows: list[Row]) -> None:
    assert found(*rows) == []
