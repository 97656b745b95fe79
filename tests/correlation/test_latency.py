import pytest
from tests.correlation.tables import log_table

from openstack_rca.correlation import load_topology
from openstack_rca.correlation.latency import slow_clues, with_seconds
from openstack_rca.records import Clue

GRAPH = load_topology()


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ('127.0.0.1 "GET /v2.1 HTTP/1.1" status: 200 len: 783 time: 0.0010495', 0.0010495),
        ("GET /v3 => generated 250 bytes in 2 msecs (HTTP/1.1 200)", 0.002),
        (
            "{34 vars in 814 bytes} [Mon] GET /v3 => generated 250 bytes in 5206 msecs (HTTP/1.1 200) 5 headers in 361 bytes",
            5.206,
        ),
        ('"GET /v2/images HTTP/1.1" 200 1211 11.263653', 11.263653),
        ("Took 8.40 seconds to spawn the instance on the hypervisor.", 8.4),
        ("Timed out after 60 seconds", 60.0),
    ],
)
def test_durations_are_read_with_their_unit(message: str, seconds: float) -> None:
    assert with_seconds(log_table({"message": message}))["seconds"].to_list() == pytest.approx([seconds])


def test_a_count_is_no_duration() -> None:
    assert with_seconds(log_table({"message": "Deleted 3 rows in 2 tables after 5 attempts"})).is_empty()


def clues(now: list[float], before: list[float]) -> list[Clue]:
    def table(values: list[float]) -> list[dict[str, object]]:
        return [{"message": f"Took {v:.2f} seconds to build instance.", "template": "build"} for v in values]

    return slow_clues(log_table(*table(now)), log_table(*table(before)) if before else None, GRAPH)


def test_only_what_takes_much_longer_than_in_health_is_a_symptom() -> None:
    (clue,) = clues([9.0, 10.0, 11.0], [2.0, 2.5, 3.0])
    assert (clue.component, clue.role, clue.count) == ("nova-api", "symptom", 3)
    assert clue.records[0] == 2
    assert clues([4.0] * 3, [2.0] * 3) == []
    assert clues([0.9] * 3, [0.1] * 3) == []
    assert clues([10.0] * 2, [2.0] * 3) == []
    assert clues([10.0] * 3, []) == []
