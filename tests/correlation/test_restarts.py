from collections.abc import Iterable

import pytest
from tests.correlation.tables import at, log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import load_topology, restarts, unheard

GRAPH = load_topology()
Row = dict[str, object]


def process(pid: str, seconds: Iterable[float], first: str = "doing", last: str = "doing") -> list[Row]:
    times = list(seconds)
    return [
        {
            "service": "nova-scheduler",
            "host": "c",
            "pid": pid,
            "at": t,
            "message": first if t == times[0] else last if t == times[-1] else "doing",
        }
        for t in times
    ]


def test_a_clean_cut_between_generations_of_processes_is_a_restart() -> None:
    rows = (
        process("1", range(0, 50, 10))
        + process("2", range(5, 55, 10))
        + process("9", range(60, 100, 10), first="Starting scheduler node")
    )
    (clue,) = restarts(log_table(*rows), GRAPH)
    assert (clue.component, clue.host, clue.role) == ("nova-scheduler", "c", "context")
    assert (clue.first, clue.last) == (at(45), at(60))


def test_each_restart_is_told() -> None:
    rows = process("1", range(0, 50, 10), last="Child 4 exited with status 0") + process("2", range(60, 100, 10))
    rows += process("3", range(110, 150, 10), first="Logging enabled!")
    assert [(c.first, c.last) for c in restarts(log_table(*rows), GRAPH)] == [(at(40), at(60)), (at(90), at(110))]


def test_restarts_come_in_the_order_of_the_logs_however_many_there_are() -> None:
    hosts = [f"c{n}" for n in range(20)]
    rows = process("1", range(0, 50, 10)) + process("9", range(60, 100, 10), first="Starting scheduler node")
    told = restarts(log_table(*({**row, "host": host} for host in hosts for row in rows)), GRAPH)
    assert [c.host for c in told] == hosts


def test_workers_that_take_turns_were_not_restarted() -> None:
    assert restarts(log_table(*process("1", range(0, 50, 10)), *process("2", range(60, 100, 10))), GRAPH) == []
    overlapping = process("1", range(0, 100, 10)) + process("2", range(60, 90, 10), first="Starting")
    assert restarts(log_table(*overlapping), GRAPH) == []


@pytest.mark.parametrize(
    ("seconds", "gap", "kind", "weight"),
    [
        (75, 64, "service-down", 0.24),
        (75, 5, "service-down", 0.8),
        (200, 64, "service-down", 0.8),
        (75, 64, "timeout", 0.8),
    ],
    ids=["just back", "not missed", "long after", "of another kind"],
)
def test_who_was_away_itself_has_not_heard_of_those_it_calls_down(
    seconds: float, gap: float, kind: str, weight: float
) -> None:
    back = clue("neutron-server", 0.3, kind="restart", role="context", first=at(70 - gap), last=at(70))
    down = clue("neutron-dhcp-agent", 0.8, type=kind, reporter="neutron-server", first=at(seconds))
    assert unheard([back, down])[1].weight == pytest.approx(weight)
    assert unheard([down]) == [down]


@pytest.mark.parametrize(
    ("seconds", "last", "gap", "kind", "weight"),
    [
        (75, 90, 10, "timeout", 0.24),
        (75, 90, 10, "dependency-unreachable", 0.24),
        (75, 90, 10, "bug", 0.8),
        (75, 200, 10, "timeout", 0.8),
        (55, 90, 10, "timeout", 0.8),
        (75, 90, 40, "timeout", 0.8),
    ],
    ids=["timeout", "not reached", "of another kind", "goes on", "before it", "away for long"],
)
def test_whom_a_program_did_not_answer_that_was_restarted_at_once_asked_its_old_processes(
    seconds: int, last: int, gap: int, kind: str, weight: float
) -> None:
    asked = clue("neutron-server", 0.8, type=kind, reporter="neutron-l3-agent", first=at(seconds), last=at(last))
    again = clue("neutron-server", kind="restart", role="context", first=at(60), last=at(60 + gap))
    assert unheard([again, asked])[1].weight == pytest.approx(weight)
    assert unheard([asked]) == [asked]


@pytest.mark.parametrize(("times", "weight"), [(2, 0.24), (3, 0.8)], ids=["restarted", "crashes again and again"])
def test_who_refuses_for_the_moment_of_a_restart_is_not_down(times: int, weight: float) -> None:
    refused = clue("neutron-server", 0.8, type="service-down", reporter="nova-api", first=at(75), last=at(80))
    again = [
        clue("neutron-server", kind="restart", role="context", first=at(60 + n), last=at(70 + n)) for n in range(times)
    ]
    assert unheard([*again, refused])[-1].weight == pytest.approx(weight)
