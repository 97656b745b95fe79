import polars as pl
from tests.correlation.tables import log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import asked_api, load_topology, understand
from openstack_rca.records import Clue

GRAPH = load_topology()
ISSUE = "`openstack volume list` is empty, though my servers have volumes attached"


def call(service: str, call: str, status: int = 200) -> dict[str, str]:
    return {"service": service, "message": f'10.0.0.9 "{call} HTTP/1.1" status: {status} len: 1 time: 0.1'}


TABLE = log_table(
    call("nova-api", "GET /v2.1/servers/detail"),
    call("cinder-api", "GET /v3/5f705e1c9d2f4b6f8a0b1c2d3e4f5a6b/types"),
    call("cinder-api", "GET /v3/5f705e1c9d2f4b6f8a0b1c2d3e4f5a6b/volumes/detail"),
    call("nova-api", "GET /v2.1/flavors"),
)


def found(*others: Clue, issue: str = ISSUE, table: pl.DataFrame = TABLE) -> list[Clue]:
    return asked_api(table, understand(issue, GRAPH, ()), GRAPH, others)


def test_the_api_that_the_issue_names_first_answered_the_calls_in_question() -> None:
    (lead,) = found()
    assert (lead.component, lead.records) == ("cinder-api", (2,))
    assert lead.statement.endswith("GET /v3/*/volumes/detail, answered 200")
    (lead,) = found(issue="`openstack server list` lacks the volume that I attached")
    assert (lead.component, lead.records) == ("nova-api", (0,))


def test_it_is_no_lead_where_any_failure_of_what_was_asked_is_known() -> None:
    assert found(clue("cinder-volume", 0.2)) == []
    assert found(clue("nova-compute", 0.2, reporter="nova-conductor")) == []
    assert found(clue("neutron-server", 0.2, reporter="nova-compute")) == [], "who was asked about failed over neutron"
    for unusual in (clue("cinder-volume", 0.4, kind="change"), clue("neutron-server", 0.9)):
        assert found(unusual)


def test_there_is_none_without_a_call_or_a_thing_that_was_asked_about() -> None:
    assert found(issue="Everything is slow") == []
    assert found(issue="`openstack image list` is empty") == []
    assert found(table=TABLE.filter(pl.col("service") == "nova-api")) == []


def test_what_it_refused_is_told_first_by_the_status_that_the_issue_names() -> None:
    table = log_table(
        call("glance-api", "POST /v2/images/*/import", 400),
        call("glance-api", "POST /v2/images", 409),
        call("glance-api", "GET /v2/images"),
    )
    (lead,) = found(issue="Importing an image gives HTTP 400", table=table)
    assert lead.records == (0,)
    assert lead.statement.endswith("that it refused was POST /v2/images/*/import, answered 400")
    (lead,) = found(issue="Importing an image fails", table=table)
    assert lead.records == (0, 1)
