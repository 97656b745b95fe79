from typing import Any

import pytest
from tests.correlation.tables import log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import as_keystone_says, load_topology
from openstack_rca.records import Clue

GRAPH = load_topology()


def cloud(keystone_at: float = 10.0) -> Any:
    """Keystone's refusal is record 0, what nova says of its own refused login records 1 and 2."""
    return log_table(
        {"at": keystone_at, "service": "keystone", "message": "The password is expired"},
        {"at": 10.5, "service": "nova-api", "message": "401"},
        {"at": 11.0, "service": "nova-api", "message": "401"},
        {"at": 300.0, "service": "nova-compute", "message": "401"},
    )


def reason(**changes: Any) -> Clue:
    return clue("keystone", 0.9, **{"type": "auth-failure", "records": (0,), **changes})


def guess(**changes: Any) -> Clue:
    return clue("nova-api", 0.9, **{"type": "auth-failure", "records": (1, 2), **changes})


def test_what_keystone_says_goes_before_what_the_refused_one_guesses() -> None:
    said, guessed = as_keystone_says([reason(), guess(remediation="Correct the password.")], cloud(), GRAPH)
    assert (said.role, said.weight) == ("cause", 0.9)
    assert (guessed.role, guessed.component, guessed.weight) == ("symptom", "keystone", pytest.approx(0.54))
    assert (guessed.exculpates, guessed.remediation) == ("nova-api", "")


@pytest.mark.parametrize(
    ("clues", "at"),
    [
        ([guess()], 10.0),
        ([reason(role="symptom"), guess()], 10.0),
        ([reason(type="timeout"), guess()], 10.0),
        ([reason(), guess()], 60.0),
        ([reason(), guess(type="network")], 10.0),
        ([reason(), guess(role="context")], 10.0),
    ],
    ids=["no reason", "only a 401", "another failure", "another moment", "another complaint", "context"],
)
def test_otherwise_each_keeps_its_weight(clues: list[Clue], at: float) -> None:
    assert as_keystone_says(clues, cloud(at), GRAPH) == clues


def test_most_of_the_complaints_must_lie_near() -> None:
    table = log_table(*({"at": t, "service": "s", "message": "x"} for t in (10.0, 10.5, 100.0, 200.0)))
    assert as_keystone_says([reason(), guess(records=(1, 2, 3))], table, GRAPH)[1].weight == 0.9


def test_programs_of_one_service_have_one_account() -> None:
    told = [("nova-compute", "refused"), ("nova-compute", "another"), ("cinder-api", "refused")]
    others = [
        clue(name, 0.9, type="auth-failure", reporter=name, records=(3,), finding=finding) for name, finding in told
    ]
    clues = as_keystone_says([reason(), guess(finding="refused"), *others], cloud(), GRAPH)
    assert [c.component for c in clues] == ["keystone", "keystone", "keystone", "nova-compute", "cinder-api"]
