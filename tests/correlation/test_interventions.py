from typing import Any

import pytest
from tests.diagnosis.clues import at, clue

from openstack_rca.correlation import interventions, load_topology, refused_since
from openstack_rca.correlation.http import change_by, changes
from openstack_rca.records import Call, Clue, Question

GRAPH = load_topology()
QUOTA, SERVICES = "a quota was changed", "a service was enabled, disabled or forced down"
HIDDEN, OPENED = "the properties of an image were changed", "a security group rule was deleted"
CHANGED = "users, projects or roles were changed in keystone"
SUBNET = "a subnet was changed (its DHCP, pools, gateway, name servers or routes)"
MADE = "users, projects or roles were made, given or removed in keystone"
CALLS = {
    QUOTA: Call("PUT", "/v2.1/os-quota-sets/*", 200),
    SERVICES: Call("PUT", "/v2.1/os-services/*", 200),
    HIDDEN: Call("PATCH", "/v2/images/*", 200),
    OPENED: Call("DELETE", "/v2.0/security-group-rules/*", 204),
    CHANGED: Call("PATCH", "/v3/users/*", 200),
    SUBNET: Call("PUT", "/v2.0/subnets/*", 200),
    MADE: Call("POST", "/v3/users", 201),
}


def call(component: str, says: str, seconds: float = 0, **changes: Any) -> Clue:
    given = {
        "kind": "call",
        "type": "quota",
        "call": CALLS[says],
        "role": "context",
        "first": at(seconds),
        "records": (1,),
    }
    return clue(component, 0.3, **{**given, **changes})


def refused(component: str, status: int, seconds: float = 5, weight: float = 0.5, **changes: Any) -> Clue:
    given = {"kind": "http", "call": Call("POST", "/x", status), "first": at(seconds), "records": (2,)}
    return clue(component, weight, **{**given, **changes})


def test_what_an_administrator_changed_causes_the_failures_that_follow() -> None:
    (cause,) = interventions([call("neutron-server", QUOTA), refused("nova-api", 403)], GRAPH, Question(""))
    assert (cause.component, cause.type, cause.role) == ("neutron-server", "quota", "cause")
    assert cause.records == (1, 2)
    assert cause.exculpates == "nova-api"


def test_of_the_same_change_at_several_services_the_one_counts_whose_own_service_shows_the_effect() -> None:
    used_up = refused("nova-api", 403)
    (cause,) = interventions([call("neutron-server", QUOTA), call("nova-api", QUOTA), used_up], GRAPH, Question(""))
    assert cause.component == "nova-api"


@pytest.mark.parametrize(("api", "concerned"), [("nova-api", "nova-compute"), ("cinder-api", "cinder-volume")])
def test_a_disabled_service_is_the_one_that_the_call_concerns(api: str, concerned: str) -> None:
    short = clue(api, 0.5, type="resource-exhaustion", first=at(3))
    (cause,) = interventions([call(api, SERVICES), short], GRAPH, Question(""))
    assert cause.component == concerned


@pytest.mark.parametrize(
    "other",
    [
        refused("nova-api", 403, seconds=-60),
        refused("nova-api", 403, seconds=3600),
        refused("nova-api", 404),
        refused("keystone", 403),
        refused("nova-api", 403, weight=0.01),
        refused("nova-api", 403, role="context"),
    ],
    ids=["earlier", "an hour later", "of another kind", "where the call does not reach", "not telling", "context"],
)
def test_without_an_effect_a_change_is_context(other: Clue) -> None:
    assert interventions([call("neutron-server", QUOTA), other], GRAPH, Question("")) == []


def test_every_component_that_a_rule_names_exists() -> None:
    named = {name for rule in changes() for pair in rule.get("concerns", {}).items() for name in pair}
    assert named
    assert {name for name in named if GRAPH.resolve(name) != name} == set()


def test_an_image_that_was_hidden_is_not_found_by_calls_for_images_only() -> None:
    hidden = call("glance-api", HIDDEN, type="misconfiguration")
    (cause,) = interventions(
        [hidden, refused("glance-api", 404, call=Call("GET", "/v2/images/*", 404))], GRAPH, Question("")
    )
    assert (cause.component, cause.type) == ("glance-api", "misconfiguration")
    assert (
        interventions([hidden, refused("nova-api", 404, call=Call("GET", "/v2.1/servers/*", 404))], GRAPH, Question(""))
        == []
    )


def test_what_a_program_does_all_the_time_is_no_intervention() -> None:
    denied = refused("heat-engine", 401, type="auth-failure")
    assert len(interventions([call("keystone", CHANGED), denied], GRAPH, Question(""))) == 1
    assert interventions([call("keystone", MADE), denied], GRAPH, Question("")) == []


@pytest.mark.parametrize(("says", "made"), CALLS.items())
def test_a_call_is_the_change_that_it_is_taken_for(says: str, made: Call) -> None:
    rule = change_by(made)
    assert rule
    assert rule["says"] == says


def test_a_deleted_security_rule_is_what_nobody_but_the_user_notices() -> None:
    deleted = call("neutron-server", OPENED, type="misconfiguration")
    (cause,) = interventions([deleted], GRAPH, Question("x", words=("server", "cannot", "reached")))
    assert (cause.kind, cause.role, cause.component) == ("intervention", "cause", "neutron-server")
    assert cause.weight > deleted.weight
    assert interventions([deleted], GRAPH, Question("x", words=("image", "upload"))) == []


def test_what_nobody_but_the_user_notices_was_set_wrong_whatever_else_such_a_call_leads_to() -> None:
    fewer = call("neutron-server", SUBNET, type="resource-exhaustion")
    (cause,) = interventions([fewer], GRAPH, Question("x", words=("servers", "without", "lease")))
    assert cause.type == "misconfiguration"


@pytest.mark.parametrize(
    ("refusal", "question", "told"),
    [
        (refused("glance-api", 400, 30), Question("x", components=("glance-api",)), True),
        (refused("glance-api", 400, 30), Question("x", statuses=(400,)), True),
        (refused("glance-api", 400, 30), Question("x", components=("nova-api",)), False),
        (refused("glance-api", 400, 10), Question("x", components=("glance-api",)), False),
        (refused("glance-api", 404, 30), Question("x", components=("glance-api",)), False),
        (refused("nova-api", 400, 30), Question("x", components=("nova-api",)), False),
    ],
    ids=["asked about", "its status", "another", "before it", "not found", "not restarted"],
)
def test_what_a_program_refuses_since_its_restart_its_settings_forbid(
    refusal: Clue, question: Question, told: bool
) -> None:
    restart = clue("glance-api", kind="restart", role="context", first=at(10), last=at(20), records=(7,))
    found = refused_since([restart, refusal], question)
    assert [(c.component, c.type, c.role, c.records) for c in found] == [
        ("glance-api", "misconfiguration", "cause", (7, 2))
    ] * told


def test_who_knows_no_user_since_its_restart_fails_to_authenticate() -> None:
    restart = clue("cinder-api", kind="restart", role="context", first=at(10), last=at(20))
    denied = refused("cinder-api", 401, 30, type="auth-failure")
    assert [c.type for c in refused_since([restart, denied], Question("x", statuses=(401,)))] == ["auth-failure"]


def test_a_call_that_was_refused_changed_nothing() -> None:
    denied = refused("nova-api", 403, call=Call("PUT", "/v2.1/os-quota-sets/*", 403), records=(1,))
    assert interventions([denied, refused("nova-api", 413)], GRAPH, Question("")) == []
