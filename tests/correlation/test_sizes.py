import pytest
from tests.correlation.tables import log_table

from openstack_rca.correlation import load_topology, shorter_answers
from openstack_rca.records import Clue

GRAPH = load_topology()
FORMS = {
    "eventlet": '10.0.0.9 "GET {route} HTTP/1.1" status: {status}  len: {length} time: 0.1',
    "uwsgi": "[pid: 7] 10.0.0.9 () {{60 vars}} GET {route} => generated {length} bytes in 9 msecs (HTTP/1.1 {status}) 4 headers",
    "apache": '10.0.0.9 - - [23/Nov/2026:10:00:00 +0000] "GET {route} HTTP/1.1" {status} {length} "-" "curl"',
}


def calls(
    *lengths: int, route: str = "/v3/volumes/detail", status: int = 200, form: str = "eventlet"
) -> list[dict[str, str]]:
    return [
        {"service": "cinder-api", "message": FORMS[form].format(route=route, status=status, length=n)} for n in lengths
    ]


def found(now: list[dict[str, str]], healthy: list[dict[str, str]] | None) -> list[Clue]:
    return shorter_answers(log_table(*now), log_table(*healthy) if healthy is not None else None, GRAPH)


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_that_is_shorter_than_ever_in_health_is_a_clue_though_its_status_is_right(form: str) -> None:
    (clue,) = found(calls(3568, 342, 342, form=form), calls(3564, 3600, form=form))
    assert (clue.component, clue.count, clue.records) == ("cinder-api", 2, (1, 2))
    assert clue.statement.endswith("GET /v3/volumes/detail with 342 bytes, in health never with fewer than 3,564")


def test_what_health_had_as_short_or_what_is_long_again_is_none() -> None:
    assert found(calls(342), calls(3564, 340)) == []
    assert found(calls(342, 3568, 3568), calls(3564, 3600)) == []
    assert found(calls(2500), calls(3564, 3600)) == []


def test_other_calls_failures_and_too_little_health_tell_nothing() -> None:
    assert found(calls(342), calls(3564)) == []
    assert found(calls(342, route="/v3/types"), calls(3564, 3600)) == []
    assert found(calls(110, status=404), calls(3564, 3600)) == []
    assert found(calls(342), None) == []
