from typing import Any

import pytest
from tests.correlation.tables import at, log_table, novel
from tests.diagnosis.clues import clue

from openstack_rca.correlation import as_reloaded, ending_clues, load_topology
from openstack_rca.records import Clue, Question

GRAPH = load_topology()
Row = dict[str, Any]


def session(connections: int, pid: str | None = "20", listener: str = "mariadb", **changes: Any) -> Row:
    text = f"10.77.0.12:60012 [x] {listener} {listener}/ctl-1 1/0/5127 68194 -- 84/{connections}/39/39/0 0/0"
    return {"service": "haproxy", "host": "ctl-1", "pid": pid, "message": text, **changes}


def pool(pid: str = "10", around: int = 64, number: int = 40) -> list[Row]:
    return [session(around + n % 4 - 2, pid) for n in range(number)]


def found(*rows: Row, baseline: list[Row] | None = None) -> list[Clue]:
    reference = None if baseline is None else log_table(*baseline)
    return ending_clues(novel(log_table(*rows)), reference, Question(""), GRAPH)


def test_a_listener_that_stands_below_what_it_needed_before_is_at_its_limit() -> None:
    (full,) = found(*pool(), session(12), *[session(40)] * 40)
    assert (full.component, full.host, full.type, full.exculpates) == (
        "haproxy",
        "ctl-1",
        "misconfiguration",
        "mariadb",
    )
    assert (full.records[0], full.count, full.first) == (41, 41, at(40))
    assert full.kind == "wait"
    assert "stands at 40 connections to its listener mariadb" in full.statement
    assert "where it had 64 before" in full.statement
    (known,) = found(*[session(40)] * 40, baseline=pool())
    assert known.type == "misconfiguration"


def test_one_that_stands_at_a_round_number_above_what_it_had_was_needed_more() -> None:
    (full,) = found(*[session(2000)] * 40, baseline=pool())
    assert full.type == "resource-exhaustion"
    assert found(*[session(4096)] * 40, baseline=pool()) != []
    assert found(*[session(1999)] * 40, baseline=pool()) == []


@pytest.mark.parametrize(
    "rows",
    [
        [*pool(), *pool("20", 40)],
        [*pool(), *[session(62)] * 40],
        [*pool(), *[session(40)] * 29],
        [*pool(around=24), *[session(19)] * 40],
        [*pool(), *[session(40, pid=None)] * 40],
        [*pool(), *[session(40, listener="rabbitmq")] * 40],
        [session(40)] * 40,
    ],
    ids=[
        "varies",
        "as many as before",
        "few sessions",
        "few connections",
        "no process",
        "another listener",
        "no before",
    ],
)
def test_else_a_number_is_no_limit(rows: list[Row]) -> None:
    assert found(*rows) == []


FULL = clue("haproxy", 0.8, kind="wait", reporter="haproxy")


def judged(*clues: Clue) -> list[float]:
    rows = [session(60, "10", at=0), session(60, "20", at=40), session(60, "20", at=50)]
    complaints: list[Row] = [{"at": second} for second in (0, 38, 42, 60)]
    return [c.weight for c in as_reloaded(clues, log_table(*rows, *complaints))]


def lost(*records: int, kind: str = "dependency-unreachable", component: str = "mariadb") -> Clue:
    return clue(component, 0.5, type=kind, reporter="nova-api", records=records)


def test_connections_that_broke_when_the_accused_proxy_was_replaced_are_nobody_elses_fault() -> None:
    assert judged(FULL, lost(4), lost(4, 5)) == [0.8, 0.1, 0.1]
    assert judged(FULL, lost(3), lost(5, 6), lost(), lost(4, kind="storage"), lost(4, component="nova-api")) == [
        0.8,
        *[0.5] * 5,
    ]
    assert judged(lost(4)) == [0.5]
