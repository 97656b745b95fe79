from typing import Any

import polars as pl
import pytest

from openstack_rca.correlation import handover_clues, load_topology, with_root
from openstack_rca.records import Clue

from .tables import at, log_table

ATTACH = '10.0.0.5 "POST /v2.1/servers/5e0f6a1c-2b4d-4c8e-9a7b-1d2c3e4f5a6b/os-volume_attachments HTTP/1.1" status: {} time: 3.4'
MINE, OTHER = "req-11111111-2222-4333-8444-555555555555", "req-99999999-2222-4333-8444-555555555555"


def call(seconds: float, request: str = MINE, status: int = 200) -> dict[str, Any]:
    return {"at": seconds, "request_id": request, "message": ATTACH.format(status)}


def compute(seconds: float, request: str | None = MINE, **more: Any) -> dict[str, Any]:
    return {"at": seconds, "service": "nova-compute", "request_id": request, "message": "Attaching volume"} | more


def clues(*rows: dict[str, Any], gone: tuple[Clue, ...] = ()) -> list[Clue]:
    table: pl.DataFrame = with_root(log_table(*sorted(rows, key=lambda r: r["at"])))
    return handover_clues(table, load_topology(), gone)


def was_gone(component: str, host: str) -> Clue:
    return Clue(
        kind="outage", key=host, component=component, host=host, type="service-down", weight=0.7, reporter=component,
        statement="down", records=(0,), count=1, first=at(5), last=at(60),
    )  # fmt: skip


def test_a_call_that_nobody_took_up_accuses_who_accepted_it() -> None:
    (clue,) = clues(compute(0, None), call(10), compute(30, None), compute(200, None))
    assert (clue.component, clue.type, clue.role, clue.count) == ("nova-api", "bug", "cause", 1)
    assert "nova-compute wrote nothing about it" in clue.statement
    assert clue.records == (1,)


def test_a_callee_that_wrote_nothing_at_all_is_accused_itself() -> None:
    (clue,) = clues(compute(0, None), call(10), call(200, OTHER))
    assert (clue.component, clue.type) == ("nova-compute", "service-down")


SERVER = "5e0f6a1c-2b4d-4c8e-9a7b-1d2c3e4f5a6b"


def test_only_who_is_on_the_host_of_the_server_can_be_alive_for_it() -> None:
    own = compute(0, None, host="n-1", instance=SERVER)
    others = [compute(t, None, host="n-2") for t in (0, 30, 200)]
    (clue,) = clues(own, *others, call(10))
    assert (clue.component, clue.type) == ("nova-compute", "service-down")
    (alive,) = clues(own, *others, call(10), compute(30, None, host="n-1"))
    assert (alive.component, alive.type) == ("nova-api", "bug")


@pytest.mark.parametrize(
    ("gone", "accused", "words"),
    [("nova-compute", "nova-compute", "nova-compute on n-1 was gone"), ("host", "host", "host n-1 was gone")],
)
def test_that_others_were_alive_says_nothing_where_one_was_gone(gone: str, accused: str, words: str) -> None:
    rows = [compute(t, None, host=h) for h in ("n-1", "n-2") for t in (0, 100, 200)]
    (clue,) = clues(*rows, call(10), gone=(was_gone(gone, "n-1"),))
    assert (clue.component, clue.host, clue.type) == (accused, "n-1", "service-down")
    assert words in clue.statement
    assert "alive" not in clue.statement
    (other,) = clues(*rows, call(10), gone=(was_gone(gone, "n-9"),))
    assert "though it was alive" in other.statement


def test_a_missing_hop_says_more_when_others_were_taken_up() -> None:
    (alone,) = clues(compute(0, None), call(10), compute(200, None))
    (beside,) = clues(call(1, OTHER), compute(2, OTHER), call(10), compute(200, None))
    assert beside.weight > alone.weight


@pytest.mark.parametrize(
    "rows",
    [
        [call(10), compute(11), compute(200, None)],
        [call(10, status=400), compute(200, None)],
        [compute(0, None), call(10), compute(60, None)],
        [compute(0, None), call(10), compute(11, level="ERROR"), compute(200, None)],
        [call(10), {"at": 200, "message": "alone"}],
    ],
    ids=["taken up", "refused", "the logs end too early", "an error tells more", "the callee's logs are not there"],
)
def test_no_hop_is_missed_where_that_cannot_be_said(rows: list[dict[str, Any]]) -> None:
    assert clues(*rows) == []


def test_what_came_before_the_answer_or_from_a_periodic_task_is_not_the_work() -> None:
    reserved = compute(5, level="WARNING", message="Ignoring supplied device name: /dev/vdb")
    audited = compute(60, logger="nova.compute.resource_tracker", message="Final resource view")
    assert len(clues(reserved, call(10), audited, compute(200, None))) == 1
