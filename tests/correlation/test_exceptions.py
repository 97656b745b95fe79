from typing import Any

import pytest

from openstack_rca.correlation import load_topology
from openstack_rca.correlation.tracebacks import Frame, Traceback, load_blame
from openstack_rca.knowledge import read

DATA = read("exceptions.yaml")
EXAMPLES = [(number, example) for number, rule in enumerate(DATA["rules"]) for example in rule["examples"]]
TYPES = {
    "service-down", "dependency-unreachable", "resource-exhaustion", "misconfiguration", "auth-failure", "quota",
    "timeout", "network", "storage", "data-corruption", "bug",
}  # fmt: skip


@pytest.mark.parametrize(("number", "example"), EXAMPLES)
def test_an_example_is_matched_by_its_own_rule_first(number: int, example: str) -> None:
    name, _, message = example.partition(": ")
    blame = load_blame()
    through = DATA["rules"][number].get("through", "").strip("^$")
    answer = (Frame("glanceclient/v2/images.py", 193, "_get", "body.pop('self', None)"),)
    in_client = "at" in DATA["rules"][number]
    frames = (Frame("nova/compute/manager.py", 1, through),) if through else answer if in_client else ()
    assert blame.rules.index(blame.rule(Traceback(name, message, frames))) == number
    assert not frames or blame.rules.index(blame.rule(Traceback(name, message, ()))) != number


def test_every_rule_has_an_example_and_the_last_one_is_about_all() -> None:
    assert all(rule["examples"] for rule in DATA["rules"])
    assert load_blame().rule(Traceback("SomethingNobodyKnows", "at all", ())) is load_blame().rules[-1]


@pytest.mark.parametrize("rule", DATA["rules"], ids=lambda rule: rule["examples"][0][:40])
def test_a_rule_blames_somebody_who_exists_for_a_known_type(rule: dict[str, Any]) -> None:
    ways = {"answerer", "self", "caller", "peer", "peer-or-self", "remote", "nobody", "host-storage"}
    assert rule["blames"] in ways | set(load_topology().components)
    assert rule["type"] in TYPES
    assert rule["role"] in {"cause", "symptom"}
    assert 0 < rule["weight"] < 1


@pytest.mark.parametrize("rule", DATA["words"], ids=lambda rule: rule["type"])
def test_the_words_of_an_error_give_its_type(rule: dict[str, Any]) -> None:
    assert rule["type"] in TYPES
    assert rule["examples"]
    assert {load_blame().type_of(example) for example in rule["examples"]} == {rule["type"]}


def test_words_that_name_no_kind_of_fault_are_a_bug() -> None:
    assert load_blame().type_of("Something went wrong") == "bug"


def test_clients_and_adapters_lead_to_known_components() -> None:
    assert {*DATA["clients"].values(), *DATA["adapters"].values()} <= set(load_topology().components)


def test_symptoms_weigh_less_than_any_named_mechanism() -> None:
    symptoms = [r["weight"] for r in DATA["rules"] if r["blames"] in ("nobody", "remote")]
    mechanisms = [r["weight"] for r in DATA["rules"] if r["role"] == "cause"]
    assert max(symptoms) < min(mechanisms)


def test_the_main_function_of_a_green_thread_is_not_that_of_a_program() -> None:
    def kind(file: str) -> str:
        told = Traceback("NotFound", "Subnet 1 could not be found.", (Frame(file, 221, "main"),))
        return load_blame().rule(told).type

    assert kind("nova/cmd/scheduler.py") == "misconfiguration"
    assert kind("eventlet/greenthread.py") == "bug"
