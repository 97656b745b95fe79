from typing import Any

from tests.diagnosis.clues import at, clue

from openstack_rca.correlation import load_topology, refusals, slowdowns, stalls
from openstack_rca.records import Call, Clue, Question

GRAPH = load_topology()


def waited(component: str, reporter: str, seconds: float = 0, **changes: Any) -> Clue:
    told = {
        "type": "timeout",
        "reporter": reporter,
        "first": at(seconds),
        "last": at(seconds),
        "records": (int(seconds),),
    }
    return clue(component, 0.4, **{**told, **changes})


def found(*clues: Clue) -> list[Clue]:
    return stalls(clues, GRAPH)


def test_services_that_stop_answering_together_wait_for_the_database() -> None:
    (stall,) = found(waited("nova-conductor", "nova-compute", 20), waited("neutron-server", "neutron-dhcp-agent", 5))
    assert (stall.component, stall.type, stall.role) == ("mariadb", "timeout", "cause")
    assert set(stall.records) == {20, 5}
    assert (stall.first, stall.last) == (at(5), at(20))


def test_failed_probes_are_no_calls_that_wait_for_a_database() -> None:
    assert found(waited("nova-api", "kubelet"), waited("neutron-server", "kubelet")) == []


def test_one_service_or_two_of_one_kind_hang_by_themselves() -> None:
    conductor, scheduler = waited("nova-conductor", "nova-compute"), waited("nova-scheduler", "nova-conductor")
    assert found(conductor) == []
    assert found(conductor, scheduler) == []


def test_what_lies_apart_in_time_is_no_common_stall() -> None:
    assert found(waited("nova-conductor", "nova-compute", 0), waited("neutron-server", "neutron-dhcp-agent", 300)) == []


def test_when_the_broker_is_accused_it_is_not_the_database() -> None:
    pair = waited("nova-conductor", "nova-compute"), waited("neutron-server", "neutron-dhcp-agent")
    assert found(*pair, clue("rabbitmq", 0.7, type="service-down")) == []
    assert len(found(*pair, clue("rabbitmq", 0.7, type="service-down", role="symptom"))) == 1


def test_a_timeout_that_a_service_reports_of_itself_is_no_lack_of_answer() -> None:
    assert found(waited("nova-conductor", "nova-conductor"), waited("neutron-server", "neutron-dhcp-agent")) == []


def test_services_that_grow_slow_together_wait_for_the_database_where_slowness_is_complained_of() -> None:
    slow = [clue(name, 0.3, kind="latency", role="symptom", type="timeout") for name in ("nova-api", "cinder-api")]
    slow += [clue("neutron-server", 0.3, kind="latency", role="symptom", type="timeout")]
    (found,) = slowdowns(slow, GRAPH, Question("The cloud is slow as hell"))
    assert (found.component, found.type, found.role) == ("mariadb", "timeout", "cause")
    assert slowdowns(slow, GRAPH, Question("Servers go to ERROR")) == []
    assert slowdowns(slow[:2], GRAPH, Question("The cloud is slow as hell")) == []
    on_hosts = [*slow[:2], clue("nova-compute", 0.3, kind="latency", role="symptom", type="timeout")]
    assert slowdowns(on_hosts, GRAPH, Question("The cloud is slow as hell")) == []


def refused(component: str, status: int = 401, **changes: Any) -> Clue:
    return clue(component, 0.2, kind="http", call=Call("GET", "/x", status), records=(1,), **changes)


def test_three_services_that_refuse_tokens_accuse_keystone() -> None:
    (found,) = refusals([refused("nova-api"), refused("glance-api"), refused("cinder-api", first=at(-5))], GRAPH)
    assert (found.component, found.role, found.count) == ("keystone", "cause", 3)
    assert found.first == at(-5)


def test_fewer_services_or_other_answers_accuse_nobody() -> None:
    pair = [refused("nova-api"), refused("glance-api")]
    assert refusals(pair, GRAPH) == []
    assert refusals([*pair, refused("cinder-api", 403)], GRAPH) == []
    assert refusals([*pair, refused("nova-api-metadata")], GRAPH) == []
    assert refusals([*pair, refused("keystone")], GRAPH) == []


def test_three_services_whose_own_logins_are_refused_at_once_have_no_wrong_passwords() -> None:
    told = [refused(name) for name in ("nova-api", "glance-api", "cinder-api")]
    own = [clue(c.component, 0.9, kind="signature", type="auth-failure", reporter=c.component) for c in told]
    (alone,), (all_of_them,) = refusals([*told, *own[:2]], GRAPH), refusals([*told, *own], GRAPH)
    assert all_of_them.weight > own[0].weight * 0.8 > alone.weight
