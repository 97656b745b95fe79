from typing import Any

import pytest
from tests.correlation.tables import log_table

from openstack_rca.correlation import ovn_clues
from openstack_rca.records import Clue

ONE, TWO, OTHER = (f"{n}aaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee" for n in "123")
NETWORK = "9aaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
Row = dict[str, Any]


def controller(seconds: float, message: str, host: str = "cmp-1") -> Row:
    return {"service": "ovn-controller", "host": host, "message": message, "at": seconds}


def trimmed(seconds: float, host: str = "cmp-1") -> Row:
    return controller(seconds, "Detected inactivity (last active 30012 ms ago): trimming memory", host)


def claimed(seconds: float, port: str, host: str = "cmp-1") -> Row:
    return controller(seconds, f"Claiming lport {port} for this chassis.", host)


def up(seconds: float, port: str, host: str = "cmp-1") -> Row:
    return controller(seconds, f"Setting lport {port} up in Southbound", host)


def reported(seconds: float, port: str) -> Row:
    text = f"OVN reports status up for port: {port}"
    return {"service": "neutron-server", "host": "ctl-1", "message": text, "at": seconds}


def wired(seconds: float, port: str, host: str = "cmp-1") -> list[Row]:
    return [claimed(seconds, port, host), up(seconds, port, host), reported(seconds, port)]


def plugged(seconds: float, port: str, host: str = "cmp-1") -> Row:
    text = f"Successfully plugged vif VIFOpenVSwitch(active=False,id={port},network=Network({NETWORK}),plugin='ovs')"
    return {"service": "nova-compute", "host": host, "message": text, "at": seconds}


def waited(seconds: float, port: str, host: str = "cmp-1") -> Row:
    text = f"Timeout waiting for ['network-vif-plugged-{port}'] for instance with vm_state building"
    return {"service": "nova-compute", "host": host, "message": text, "at": seconds}


def found(*rows: Row) -> list[Clue]:
    return ovn_clues(log_table(*sorted(rows, key=lambda row: float(row["at"]))))


STUCK = [plugged(100, ONE), waited(400, ONE)]


def test_a_port_that_nobody_claims_has_no_binding_from_northd() -> None:
    (clue,) = found(*wired(0, OTHER), *STUCK, trimmed(130))
    assert (clue.component, clue.host, clue.type, clue.role) == ("ovn-northd", None, "service-down", "cause")
    assert (clue.reporter, clue.exculpates, clue.count) == ("nova-compute", "neutron-server", 1)
    assert clue.records == (5, 3)


def test_the_older_form_of_the_wait_names_the_port_too() -> None:
    older = f"Timeout waiting for [('network-vif-plugged', u'{ONE}')] for instance"
    (clue,) = found(*wired(0, OTHER), plugged(100, ONE), {**waited(400, ONE), "message": older}, trimmed(130))
    assert clue.component == "ovn-northd"


def test_a_claim_after_the_wait_or_before_the_plugging_is_none() -> None:
    (late,) = found(*STUCK, trimmed(130), *wired(500, ONE))
    (early,) = found(*wired(0, ONE), *STUCK, trimmed(130))
    assert late.component == early.component == "ovn-northd"


def test_a_controller_that_wrote_nothing_any_more_is_accused_itself() -> None:
    (silent,) = found(*wired(0, OTHER), *STUCK, trimmed(130, "cmp-2"))
    (never,) = found(*STUCK, trimmed(130, "cmp-2"))
    assert (silent.component, silent.host, silent.type) == ("ovn-controller", "cmp-1", "service-down")
    assert (never.component, never.host) == ("ovn-controller", "cmp-1")


def test_controllers_of_all_hosts_that_write_nothing_have_nothing_to_claim() -> None:
    (clue,) = found(*wired(0, OTHER), *wired(0, TWO, "cmp-2"), *STUCK)
    assert clue.component == "ovn-northd"


def test_while_other_hosts_claim_ports_northd_works() -> None:
    (clue,) = found(*wired(0, OTHER), *STUCK, trimmed(130), *wired(200, TWO, "cmp-2"))
    assert (clue.component, clue.host, clue.type) == ("ovn-controller", "cmp-1", "network")


def test_a_port_that_was_claimed_and_never_came_up_is_the_controllers() -> None:
    (clue,) = found(*wired(0, OTHER), *STUCK, claimed(101, ONE))
    assert (clue.component, clue.host, clue.type) == ("ovn-controller", "cmp-1", "network")
    assert "never had it wired" in clue.statement


def test_a_port_that_is_up_and_not_reported_never_reached_neutron() -> None:
    (clue,) = found(*wired(0, OTHER), *STUCK, claimed(101, ONE), up(101, ONE))
    assert (clue.component, clue.host, clue.exculpates) == ("neutron-server", None, None)


def test_what_this_cloud_may_not_log_proves_less_or_nothing() -> None:
    (unproven,) = found(*STUCK, trimmed(130))
    (proven,) = found(*wired(0, OTHER), *STUCK, trimmed(130))
    assert unproven.weight < proven.weight
    assert found(*STUCK, claimed(101, ONE)) == []


def test_ports_that_lack_the_same_step_make_one_clue() -> None:
    rows = [*wired(0, OTHER), *STUCK, plugged(110, TWO, "cmp-2"), waited(410, TWO, "cmp-2")]
    (clue,) = found(*rows, trimmed(130), trimmed(130, "cmp-2"))
    assert (clue.component, clue.count) == ("ovn-northd", 2)


def test_silence_of_a_host_that_the_logs_do_not_name_tells_nothing() -> None:
    unnamed = {**trimmed(130), "host": None}
    (clue,) = found(*STUCK, unnamed)
    assert clue.component == "ovn-northd"


@pytest.mark.parametrize(
    "rows",
    [
        [*wired(0, OTHER), *STUCK, *wired(101, ONE)],
        [*wired(0, OTHER), *STUCK, *wired(95, ONE)],
        [*wired(0, OTHER), plugged(100, ONE)],
        [reported(0, OTHER), *STUCK],
    ],
    ids=["it took all steps", "just before nova said so", "nobody waited in vain", "no controller's log"],
)
def test_nothing_is_missing(rows: list[Row]) -> None:
    assert found(*rows) == []
