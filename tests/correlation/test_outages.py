import pytest
from tests.cases import lab
from tests.correlation.tables import at, log_table

from openstack_rca.correlation import load_topology, outages
from openstack_rca.records import Clue

GRAPH = load_topology()
Row = dict[str, object]


def line(seconds: float, message: str = "working", **changes: object) -> Row:
    return {"service": "cinder-volume", "host": "c", "message": message, "at": seconds, **changes}


def found(*rows: Row) -> list[Clue]:
    others = [line(float(n), service="nova-api") for n in range(100)]
    return outages(log_table(*rows, *others), GRAPH)


@pytest.mark.parametrize(
    "goodbye", ["Caught SIGTERM, exiting", "SIGINT/SIGTERM received...killing workers...", "goodbye to uWSGI."]
)
def test_who_says_goodbye_and_is_not_heard_of_again_is_down(goodbye: str) -> None:
    (clue,) = found(line(1), line(10, goodbye), line(12, "Waiting on 3 children to exit"))
    assert (clue.component, clue.host, clue.type, clue.role) == ("cinder-volume", "c", "service-down", "cause")
    assert (clue.first, clue.last) == (at(10), at(10))
    assert "wrote nothing more" in clue.statement


def test_who_comes_back_late_was_away_until_then() -> None:
    (clue,) = found(line(10, "Caught SIGTERM, exiting"), line(70))
    assert (clue.first, clue.last) == (at(10), at(70))
    assert "60 s later" in clue.statement


def test_a_restart_in_order_is_no_outage() -> None:
    assert found(line(10, "Caught SIGTERM, exiting"), line(25)) == []
    assert found(line(95, "Caught SIGTERM, exiting")) == []


def test_who_starts_at_once_and_has_little_to_say_was_not_away() -> None:
    stop = line(10, "Caught SIGTERM, exiting", pid="1")
    assert found(stop, line(13, "Starting cinder-volume node", pid="2"), line(70, pid="2")) == []
    assert found(stop, line(13, "Starting 5 workers", pid="1"), line(70, pid="1")) == [], (
        "in a container ids come again"
    )
    assert len(found(stop, line(11, "Child 1 exited", pid="3"), line(70, pid="2"))) == 1
    assert len(found(stop, line(11, "Stop what I started", pid="1"), line(70, pid="2"))) == 1


def test_another_host_of_the_program_is_not_the_one_that_went() -> None:
    (clue,) = found(line(10, "Caught SIGTERM, exiting", host="a"), *(line(float(n), host="b") for n in range(100)))
    assert clue.host == "a"


def test_health_shows_no_outage() -> None:
    assert outages(lab.table("baseline-1"), GRAPH) == []
