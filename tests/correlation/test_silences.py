from collections.abc import Iterable

from tests.cases import lab
from tests.correlation.tables import at, log_table

from openstack_rca.correlation import load_topology, silences

GRAPH = load_topology()
Row = dict[str, object]


def writes(service: str, seconds: Iterable[float]) -> list[Row]:
    return [{"service": service, "host": "c", "message": f"{service} tick", "at": float(t)} for t in seconds]


OTHERS = writes("nova-api", range(0, 600, 5)) + writes("glance-api", range(0, 600, 5))


def test_a_steady_program_that_stops_while_others_go_on_fell_silent() -> None:
    (clue,) = silences(log_table(*OTHERS, *writes("cinder-volume", range(0, 400, 5))), None, GRAPH)
    assert (clue.component, clue.role, clue.first) == ("cinder-volume", "symptom", at(395))


def test_a_silence_of_many_services_says_little_of_each() -> None:
    def silence(*services: str) -> float:
        stopped = [row for service in services for row in writes(service, range(0, 400, 5))]
        clues = silences(log_table(*OTHERS, *stopped), None, GRAPH)
        assert len(clues) == len(services)
        return clues[0].weight

    assert silence("cinder-volume", "cinder-api") == silence("cinder-volume")
    assert silence("cinder-volume", "neutron-server", "placement-api") < 0.5 * silence("cinder-volume")


def test_silence_needs_a_rhythm_and_witnesses_and_must_be_unusual() -> None:
    bursts = writes("cinder-volume", [*range(20), *range(300, 320)])
    assert silences(log_table(*OTHERS, *bursts), None, GRAPH) == []
    stopped = writes("cinder-volume", range(0, 400, 5))
    assert silences(log_table(*stopped, *writes("nova-api", [0, 600])), None, GRAPH) == []
    paused_in_health = log_table(*writes("cinder-volume", [*range(0, 100, 5), *range(250, 400, 5)]))
    assert silences(log_table(*OTHERS, *stopped), paused_in_health, GRAPH) == []


def test_health_shows_no_silence() -> None:
    healthy = lab.table("baseline-1")
    assert silences(healthy, healthy, GRAPH) == []
