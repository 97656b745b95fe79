import pytest
from tests.correlation.tables import log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import as_keystone_says
from openstack_rca.records import Clue


def cloud(keystone_at: float = 10.0) -> object:
    """Keystone's refusal is record 0, what nova says of its own refused login records 1 and 2."""
    return log_table(
        {"at": keystone_at, "service": "keystone", "message": "The password is expired"},
        {"at": 10.5, "service": "nova-api", "message": "401"},
        {"at": 11.0, "service": "nova-api", "message": "401"},
    )


def reason(**changes: object) -> Clue:
    return clue("keystone", 0.9, **{"type": "auth-failure", "records": (0,), **changes})


def guess(**changes: object) -> Clue:
    return clue("nova-api", 0.9, **{"type": "auth-failure", "records": (1, 2), **changes})


def test_what_keystone_says_goes_before_what_the_refused_one_guesses() -> None:
    said, guessed = as_keystone_says([reason(), guess()], cloud())
    assert said.weight == 0.9
    assert guessed.weight == pytest.approx(0.27)


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
    assert as_keystone_says(clues, cloud(at)) == clues


def test_most_of_the_complaints_must_lie_near() -> None:
    table = log_table(*({"at": t, "service": "s", "message": "x"} for t in (10.0, 10.5, 100.0, 200.0)))
    assert as_keystone_says([reason(), guess(records=(1, 2, 3))], table)[1].weight == 0.9
