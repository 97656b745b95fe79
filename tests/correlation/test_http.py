import pytest
from tests.cases import lab
from tests.correlation.tables import log_table, novel

from openstack_rca.correlation import http_clues, load_topology, understand
from openstack_rca.correlation.http import with_http
from openstack_rca.records import Clue

GRAPH = load_topology()
UUID = "7b4f29f9-0d47-4eb9-a569-b1da1bd6e8c3"


NOVA = '127.0.0.1 "GET /v2.1/servers/{} HTTP/1.1" status: 404 len: 1 time: 0.1'
NEUTRON = '127.0.0.1 "POST /v2.0/ports HTTP/1.1" status: 201  len: 315 time: 0.04'
GLANCE = '127.0.0.1 - - [22/Nov/2026 08:47:27] "GET /v2/images/cirros HTTP/1.1" 404 365 0.018'
UWSGI = (
    "[pid: 20140|app: 0|req: 278/408] 127.0.0.1 () {34 vars in 951 bytes} [Sun Nov 22 08:47:29 2026] GET "
    "/allocation_candidates?limit=1000 => generated 2284 bytes in 98 msecs (HTTP/1.1 503) 6 headers in 256 bytes"
)
PLACEMENT = '127.0.0.1 "PUT /allocations/{}" status: 409 len: 9 microversion: 1.36'
UNVERSIONED = '10.0.0.1 "GET /v2.1/{}/servers/detail" status: 200 len: 2044 microversion: 2.79 time: 0.1'
WHOLE_URL = '10.0.0.1 "GET http://controller:8774/v2.1/flavors/42 HTTP/1.1" status: 200 len: 9 time: 0.1'


@pytest.mark.parametrize(
    ("message", "method", "route", "status"),
    [
        (NOVA.format(UUID), "GET", "/v2.1/servers/*", 404),
        (NEUTRON, "POST", "/v2.0/ports", 201),
        (GLANCE, "GET", "/v2/images/cirros", 404),
        (UWSGI, "GET", "/allocation_candidates", 503),
        (PLACEMENT.format(UUID), "PUT", "/allocations/*", 409),
        (UNVERSIONED.format(UUID), "GET", "/v2.1/*/servers/detail", 200),
        (WHOLE_URL, "GET", "/v2.1/flavors/*", 200),
    ],
)
def test_every_shape_of_access_line_is_read(message: str, method: str, route: str, status: int) -> None:
    (found,) = with_http(log_table({"message": message})).select("method", "route", "status").iter_rows()
    assert found == (method, route, status)


def test_other_lines_that_name_a_method_are_no_calls() -> None:
    talk = log_table({"message": "GET /v2.1 will be retried"}, {"message": "Delete of volume done"})
    assert with_http(talk).is_empty()


def test_names_with_numbers_count_as_ids_but_versions_do_not() -> None:
    calls = [f'1.1.1.1 "GET /v2.1/os-x/batch-{n} HTTP/1.1" status: 200 len: 1 time: 0.1' for n in range(3)]
    assert with_http(log_table(*({"message": m} for m in calls)))["route"].unique().to_list() == ["/v2.1/os-x/*"]


def access(status: int, count: int, call: str = "POST /v2.1/servers") -> list[dict[str, str]]:
    return [{"message": f'127.0.0.1 "{call} HTTP/1.1" status: {status} len: 1 time: 0.1'}] * count


def clues(now: list[dict[str, str]], before: list[dict[str, str]] | None, issue: str = "x") -> list[Clue]:
    reference = novel(log_table(*before)) if before is not None else None
    return http_clues(novel(log_table(*now)), reference, understand(issue, GRAPH, ()), GRAPH)


def test_an_answer_that_health_knows_as_often_is_no_clue() -> None:
    assert clues(access(200, 8) + access(500, 2), access(200, 80) + access(500, 20)) == []
    (found,) = clues(access(200, 8) + access(500, 2), access(200, 100))
    assert (found.component, found.role, found.count) == ("nova-api", "symptom", 2)


def test_the_larger_the_share_of_refusals_the_heavier_the_clue() -> None:
    few, most = (clues(access(200, 10 - n) + access(403, n), access(200, 100))[0] for n in (1, 9))
    assert few.weight < most.weight
    assert most.role == "cause"


def test_calls_that_are_all_refused_from_some_time_on_weigh_as_much_as_if_nothing_had_been_before() -> None:
    healthy, good, bad = access(200, 100), access(200, 1), access(403, 1)
    (lately,) = clues(good * 12 + bad * 4, healthy)
    (only,) = clues(bad * 4, healthy)
    (now_and_then,) = clues((good * 3 + bad) * 4, healthy)
    assert lately.weight == only.weight > now_and_then.weight
    assert lately.statement.endswith("4 of 16 calls")


def test_a_status_that_the_issue_names_weighs_more() -> None:
    (plain,) = clues(access(403, 3) + access(200, 7), access(200, 100))
    (asked,) = clues(access(403, 3) + access(200, 7), access(200, 100), "I get a 403 error")
    assert asked.weight > plain.weight


def test_without_a_baseline_a_status_that_the_issue_names_is_no_habit() -> None:
    usual = novel(log_table(*access(403, 3), *access(200, 7)), 0.0)
    (plain,) = http_clues(usual, None, understand("x", GRAPH, ()), GRAPH)
    (asked,) = http_clues(usual, None, understand("I get a 403 error", GRAPH, ()), GRAPH)
    assert asked.weight > 2 * plain.weight


def test_a_call_that_changes_the_cloud_is_context_only_when_it_is_new() -> None:
    change = access(200, 1, "PUT /v2.1/os-quota-sets/b45dccebc5734c76987379e6a8ac272c")
    (found,) = clues(change + access(200, 5), access(200, 100))
    assert (found.kind, found.role, found.type) == ("call", "context", "quota")
    assert clues(change, change * 3) == []


def test_the_lab_shows_the_refused_calls_of_a_policy_override() -> None:
    table, healthy = novel(lab.table("policy-forbids-create")), novel(lab.table("baseline-1"))
    found = http_clues(table, healthy, understand("", GRAPH, ()), GRAPH)
    best = max(found, key=lambda c: c.weight)
    assert (best.component, best.kind, best.type) == ("nova-api", "http", "misconfiguration")
