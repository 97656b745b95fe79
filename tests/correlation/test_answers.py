import pytest
from tests.correlation.tables import log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import as_answered
from openstack_rca.records import Clue


def heard(*endings: str, detail: str | None = None, **changes: object) -> Clue:
    table = log_table(*({"message": f"Failed to notify nova {end}", "detail": detail} for end in endings))
    told = clue(
        "nova-api", reporter="neutron-server", type="dependency-unreachable", records=tuple(range(len(endings)))
    )
    (found,) = as_answered([clue("nova-api", **{**vars(told), **changes})] if changes else [told], table)  # type: ignore[arg-type]
    return found


def test_who_calls_a_request_invalid_was_reached_and_the_sender_is_at_fault() -> None:
    found = heard("(HTTP 400) (Request-ID: req-1)", "(HTTP 400)")
    assert (found.component, found.type, found.exculpates) == ("neutron-server", "bug", "nova-api")
    assert "nova-api called invalid what neutron-server sent (400)" in found.statement


def test_the_answer_may_stand_in_the_traceback() -> None:
    assert heard("", detail="BadRequest: Invalid input (HTTP 400)").component == "neutron-server"


@pytest.mark.parametrize(
    ("ending", "kind"),
    [("Got 409: Conflicting name.", "misconfiguration"), ("(HTTP 413)", "quota")],
)
def test_who_refuses_a_request_was_reached_too(ending: str, kind: str) -> None:
    found = heard(ending)
    assert (found.component, found.type) == ("neutron-server", kind)
    assert "nova-api refused what neutron-server sent" in found.statement


def test_who_answers_with_an_internal_error_runs_and_has_a_bug() -> None:
    found = heard("(HTTP 500)")
    assert (found.component, found.type) == ("nova-api", "bug")
    assert found.statement.endswith("It answered with 500.")


@pytest.mark.parametrize(
    "endings", [("",), ("(HTTP 503)",), ("(HTTP 404)",), ("(HTTP 401)",), ("(HTTP 400)", "(HTTP 503)")]
)
def test_other_answers_or_none_leave_the_complaint_as_it_is(endings: tuple[str, ...]) -> None:
    found = heard(*endings)
    assert (found.component, found.type) == ("nova-api", "dependency-unreachable")


def test_complaints_of_another_kind_and_those_about_oneself_stay() -> None:
    table = log_table({"message": "refused (HTTP 400)"})
    for told in (
        clue("nova-api", reporter="neutron-server", type="auth-failure"),
        clue("nova-api", type="service-down"),
        clue("nova-api", reporter="neutron-server", type="service-down", role="context"),
    ):
        assert as_answered([told], table) == [told]
