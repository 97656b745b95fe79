from dataclasses import replace
from typing import Any

import pytest
from tests.correlation.tables import at, log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import load_topology, misdirected
from openstack_rca.records import Clue

GRAPH = load_topology()
OTHERS = ("nova-conductor", "neutron-server", "cinder-volume")


def cloud(message: str = "working", *silent: str) -> Any:
    """A minute of a cloud: record 0 is the complaint, the others go on with their work."""
    rows = [{"at": 10.0, "service": "nova-scheduler", "message": message, "host": "ctl"}]
    rows += [{"at": 20.0 + n, "service": s, "message": "x"} for n, s in enumerate(OTHERS) if s not in silent]
    return log_table(*rows)


def refused(reporter: str = "nova-scheduler", until: float = 60, **changes: Any) -> Clue:
    given = {
        "type": "dependency-unreachable",
        "reporter": reporter,
        "first": at(10),
        "last": at(until),
    }
    return clue(changes.pop("component", "rabbitmq"), 0.5, **{**given, **changes})


def restart(component: str = "nova-scheduler", began: float = 5) -> Clue:
    return clue(component, 0.3, kind="restart", role="context", first=at(began), records=(9,))


def found(*clues: Clue, table: Any = None) -> list[tuple[str, str]]:
    return [(c.component, c.type) for c in misdirected(clues, cloud() if table is None else table, GRAPH)]


def test_who_alone_is_refused_since_it_was_started_has_a_wrong_address() -> None:
    (wrong,) = misdirected([refused(), restart()], cloud(), GRAPH)
    assert (wrong.component, wrong.type, wrong.role) == ("nova-scheduler", "misconfiguration", "cause")
    assert wrong.exculpates == "rabbitmq"
    assert wrong.records == (0, 9)


def test_a_start_that_a_program_tells_itself_is_as_good_as_new_process_ids() -> None:
    started = clue("nova-scheduler", 0.1, finding="service-started", role="context", first=at(5), records=(9,))
    assert found(refused(), started) == [("nova-scheduler", "misconfiguration")]


@pytest.mark.parametrize(
    "clues",
    [
        [refused()],
        [refused(), restart("nova-api")],
        [refused(), restart(began=-600)],
        [refused(), restart(), refused("nova-conductor")],
        [refused(until=11), restart()],
        [refused(), restart(), clue("rabbitmq", 0.8, type="service-down")],
    ],
    ids=["not started", "another started", "started long ago", "not alone", "for a moment", "it says that it is down"],
)
def test_it_is_the_other_side_otherwise(clues: list[Clue]) -> None:
    assert found(*clues) == []


def test_a_moment_of_somebody_elses_does_not_count() -> None:
    assert found(refused(), restart(), refused("nova-conductor", until=11)) == [("nova-scheduler", "misconfiguration")]


def test_when_nobody_else_goes_on_nobody_is_alone() -> None:
    assert found(refused(), restart(), table=cloud("x", "neutron-server", "cinder-volume")) == []


@pytest.mark.parametrize(
    ("port", "blamed"),
    [(9229, "keystone"), (9293, "keystone"), (9292, None), (13292, None), (9696, None), (7777, None)],
    ids=["swapped digits", "one digit", "the right one", "another scheme", "that of another", "far from it"],
)
def test_a_port_that_is_nearly_right_is_a_wrong_entry_of_the_catalog(port: int, blamed: str | None) -> None:
    complaint = refused("nova-api", component="glance-api")
    table = cloud(f"Unable to establish connection to http://controller:{port}/v2/images: refused")
    assert found(complaint, table=table) == ([(blamed, "misconfiguration")] if blamed else [])


def test_a_wrong_port_of_a_program_that_was_just_started_is_its_own() -> None:
    programs = enumerate(("nova-scheduler", "cinder-volume"))
    complaints = [refused(r, component="glance-api", records=(n,)) for n, r in programs]
    table = cloud("Unable to establish connection to http://controller:9229/v2/images: refused")
    assert found(*complaints, restart(), table=table) == [("nova-scheduler", "misconfiguration")]


def seen(after: str = "7") -> Any:
    """placement-api before and after a minute in which it is refused."""
    rows = [{"at": 0.0, "pid": "7"}, {"at": 90.0, "pid": after}]
    return log_table(*({"service": "placement-api", "message": "x", **row} for row in rows))


def turned_away(*reporters: str) -> list[Clue]:
    given: dict[str, Any] = {"type": "service-down", "role": "cause", "component": "placement-api"}
    return [refused(r, finding="http-peer-refused", **given) for r in reporters]


def test_whom_nobody_reaches_while_its_process_lives_is_cut_off() -> None:
    (cut,) = misdirected(turned_away("nova-api", "nova-scheduler"), seen(), GRAPH)
    assert (cut.component, cut.type, cut.reporter) == ("placement-api", "network", "placement-api")
    assert cut.records[0] == 0
    assert cut.records[-1] == 1


def test_who_was_started_anew_was_down() -> None:
    complaints = turned_away("nova-api", "nova-scheduler")
    started = clue("placement-api", 0.1, kind="signature", finding="service-started", role="context")
    assert found(*complaints, table=seen(after="8")) == []
    assert found(*complaints, started, table=seen()) == []
    assert found(*turned_away("nova-api"), table=seen()) == []


def node(host: str, *services: str) -> list[dict[str, Any]]:
    return [{"at": 12.0 + n, "service": s, "host": host, "message": "x"} for n, s in enumerate(services)]


def complaints_of(table: Any, *services: str) -> list[Clue]:
    """Complaints about the broker by the records of a table that these programs wrote on host c1."""
    rows = table.filter((table["host"] == "c1") & table["service"].cast(str).is_in(list(services)))
    return [refused(s, records=(r,)) for s, r in rows.select("service", "record").iter_rows()]


def test_when_only_the_programs_of_one_host_cannot_reach_what_others_do_its_network_is_down() -> None:
    pair = ("nova-compute", "neutron-linuxbridge-agent")
    table = log_table(*node("c1", *pair), *node("c2", *pair), *node("ctl", "nova-conductor"))
    (cut,) = misdirected(complaints_of(table, *pair), table, GRAPH)
    assert (cut.component, cut.host, cut.type) == ("nova-compute", "c1", "network")
    assert cut.exculpates == "rabbitmq"
    alone = log_table(*node("c1", *pair), *node("ctl", "nova-conductor"))
    assert misdirected(complaints_of(alone, *pair), alone, GRAPH) == []


def test_no_network_lies_between_programs_of_one_host() -> None:
    agents = ("nova-compute", "neutron-openvswitch-agent")
    table = log_table(*node("c1", *agents), *node("c2", *agents), *node("c3", *agents))
    complaints = complaints_of(table, "neutron-openvswitch-agent")
    assert len(misdirected(complaints, table, GRAPH)) == 1
    local = [replace(c, component="ovs-vswitchd") for c in complaints]
    assert misdirected(local, table, GRAPH) == []


def test_the_kernel_that_lost_a_link_calls_nobody() -> None:
    table = log_table(*node("c1", "kernel"), *node("c2", "neutron-openvswitch-agent", "nova-compute", "neutron-server"))
    lost = refused("kernel", component="host", type="network", host="c1", records=(0,))
    assert misdirected([lost], table, GRAPH) == []
    assert misdirected([replace(lost, reporter="nova-compute")], table, GRAPH) != []


def test_who_cannot_do_its_work_for_want_of_another_is_not_cut_off() -> None:
    pair = ("nova-compute", "neutron-linuxbridge-agent")
    table = log_table(*node("c1", *pair), *node("c2", *pair), *node("ctl", "nova-conductor"))
    complaints = complaints_of(table, *pair)
    lost = clue("nova-compute", 0.7, reporter="rabbitmq", key="heartbeats missed")
    assert len(misdirected([*complaints, lost], table, GRAPH)) == 1
    died = clue("rabbitmq", 0.7, kind="connection", key="rabbitmq:died")
    assert misdirected([*complaints, died], table, GRAPH) == []
    ill = clue("storage", 0.7, reporter="rabbitmq", key="disk")
    assert misdirected([*complaints, ill], table, GRAPH) == []


def test_a_program_of_the_control_plane_that_cannot_reach_something_tells_nothing_of_its_host() -> None:
    table = log_table(*node("c1", "nova-api"), *node("c2", "nova-compute", "neutron-linuxbridge-agent"))
    assert misdirected(complaints_of(table, "nova-api"), table, GRAPH) == []


def test_who_alone_is_refused_its_login_since_it_was_started_has_wrong_credentials() -> None:
    (wrong,) = misdirected([refused(component="mariadb", type="auth-failure"), restart()], cloud(), GRAPH)
    assert (wrong.component, wrong.type, wrong.exculpates) == ("nova-scheduler", "misconfiguration", "mariadb")
    assert "its own user, password or database is wrong" in wrong.statement
    assert found(refused(component="mariadb", type="auth-failure")) == []


def test_a_process_that_complained_once_and_ended_complained_for_good() -> None:
    def logs(*later: Any) -> Any:
        rows = [{"at": 10.0, "service": "nova-scheduler", "pid": "7"}, *later]
        rows += [{"at": 12.0 + n, "service": s} for n, s in enumerate(OTHERS)]
        return log_table(*rows, {"at": 60.0, "service": "nova-scheduler", "pid": "8"})

    once = [refused(component="mariadb", type="auth-failure", until=10), restart()]
    assert found(*once, table=logs()) == [("nova-scheduler", "misconfiguration")]
    assert found(*once, table=logs({"at": 50.0, "service": "nova-scheduler", "pid": "7"})) == []


def test_a_symptom_whose_record_names_nobody_proves_no_broken_network() -> None:
    def said(message: str, role: str = "symptom") -> list[tuple[str, str]]:
        rows = [{"at": 10.0, "service": "nova-compute", "message": message, "host": "cmp2"}]
        rows += [{"at": 20.0 + n, "service": s, "message": "x", "host": "ctl"} for n, s in enumerate(OTHERS)]
        failed = refused("nova-compute", component="mariadb", host="cmp2", role=role)
        return found(failed, table=log_table(*rows))

    assert said("Unexpected error while reporting service status: MessagingTimeout") == []
    assert said("(2006, 'MySQL server has gone away')") == [("nova-compute", "network")]
    assert said("Unexpected error while reporting service status", role="cause") == [("nova-compute", "network")]
