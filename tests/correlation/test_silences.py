from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest
from tests.cases import lab
from tests.correlation.tables import at, log_table

from openstack_rca.correlation import load_topology, silences, with_root
from openstack_rca.pipeline import read_logs
from openstack_rca.records import Clue, Period
from openstack_rca.settings import Settings

GRAPH = load_topology()
BASELINES = sorted((lab.ROOT / "examples").glob("*/baseline-*"))
FAILING = (at(390), at(600))
Row = dict[str, object]


def writes(service: str, seconds: Iterable[float], host: str = "c", **more: object) -> list[Row]:
    return [{"service": service, "host": host, "message": f"{service} tick", "at": float(t), **more} for t in seconds]


OTHERS = writes("nova-api", range(0, 600, 5)) + writes("glance-api", range(0, 600, 5))


def found(*rows: Row, health: list[Row] | None = None, failing: Period | None = None) -> list[Clue]:
    baseline = None if health is None else log_table(*health)
    return silences(with_root(log_table(*rows)), baseline, GRAPH, failing)


def test_a_steady_program_that_stops_while_others_go_on_fell_silent() -> None:
    (clue,) = found(*OTHERS, *writes("cinder-volume", range(0, 400, 5)))
    assert (clue.component, clue.role, clue.first) == ("cinder-volume", "symptom", at(395))
    assert "wrote nothing for 200 s after 08:06:35, to the end of these logs, where it was to be heard of about 41" in (
        clue.statement
    )


def test_a_longer_silence_is_believed_no_less() -> None:
    (clue,) = found(*OTHERS, *writes("cinder-volume", range(0, 160, 5)))
    assert (clue.first, clue.last) == (at(155), at(595))


def test_with_a_baseline_its_rate_tells_even_of_who_wrote_hardly_anything() -> None:
    stopped = [*OTHERS, *writes("cinder-volume", range(0, 45, 15))]
    assert found(*stopped) == []
    (clue,) = found(*stopped, health=[*OTHERS, *writes("cinder-volume", range(0, 600, 15))])
    assert clue.first == at(30)


def test_the_lines_of_a_burst_are_one_sign_of_life() -> None:
    bursts = [t + n / 10 for t in range(0, 600, 150) for n in range(20)]
    assert found(*OTHERS, *writes("cinder-volume", range(3)), health=[*OTHERS, *writes("cinder-volume", bursts)]) == []
    boot = [n / 4 for n in range(100)]  # writes much for 25 seconds
    assert found(*OTHERS, *writes("cinder-volume", boot)) == []


def test_a_short_silence_needs_ten_signs_of_life() -> None:
    steady = [*range(0, 500, 10), *range(580, 600, 10)]
    assert found(*OTHERS, *writes("cinder-volume", steady)) == []
    assert len(found(*OTHERS, *writes("cinder-volume", [*range(0, 500, 5), *range(580, 600, 5)]))) == 1


def test_a_silence_of_many_services_says_little_of_each() -> None:
    def silence(*services: str) -> Clue:
        stopped = [row for service in services for row in writes(service, range(0, 400, 5))]
        clues = found(*OTHERS, *stopped, failing=FAILING)
        assert len(clues) == len(services)
        return clues[0]

    assert silence("cinder-volume", "cinder-api").weight == silence("cinder-volume").weight
    common = silence("cinder-volume", "neutron-server", "placement-api")
    assert (common.role, common.weight < 0.5 * silence("cinder-volume").weight) == ("symptom", True)


def test_silence_needs_a_rhythm_and_witnesses_and_must_be_unusual() -> None:
    bursts = writes("cinder-volume", [*range(20), *range(300, 320)])
    assert found(*OTHERS, *bursts) == []
    stopped = writes("cinder-volume", range(0, 400, 5))
    assert found(*stopped, *writes("nova-api", [0, 600]), *writes("glance-api", [410])) == []
    hole = [r for r in OTHERS if not 400 < float(str(r["at"])) < 580]
    assert found(*hole, *stopped) == []
    paused_in_health = writes("cinder-volume", [*range(0, 100, 5), *range(250, 400, 5)])
    assert found(*OTHERS, *stopped, health=paused_in_health) == []


@pytest.mark.parametrize(
    ("service", "seconds", "failing", "role"),
    [
        ("cinder-volume", range(0, 400, 5), FAILING, "cause"),
        ("cinder-volume", range(0, 400, 5), None, "symptom"),
        ("cinder-volume", range(0, 400, 5), (at(100), at(600)), "symptom"),
        ("cinder-volume", [*range(0, 300, 5), *range(500, 600, 5)], FAILING, "symptom"),
        ("cinder-volume", [*range(0, 150, 5), *range(250, 900, 5)], (at(600), at(900)), "context"),
        ("neutron-server", range(0, 400, 5), FAILING, "symptom"),
        ("my-own-agent", range(0, 400, 5), FAILING, "symptom"),
    ],
    ids=["covers the onset", "nothing fails", "begins later", "ends", "was over before", "is asked", "is not known"],
)
def test_only_a_silence_that_failures_can_come_from_is_a_cause(
    service: str, seconds: Iterable[float], failing: Period | None, role: str
) -> None:
    others = writes("nova-api", range(0, 900, 5), "d") + writes("glance-api", range(0, 900, 5), "d")
    rows = others if failing and failing[1] > at(600) else OTHERS
    (clue,) = found(*rows, *writes(service, seconds), failing=failing)
    assert clue.role == role


def test_who_writes_only_on_request_may_have_had_no_work() -> None:
    def request(t: float) -> str:
        return f"req-00000000-0000-4000-8000-{t:012.0f}"

    worked = [
        row
        for t in range(0, 400, 5)
        for service in ("cinder-api", "cinder-volume")
        for row in writes(service, [t], request_id=request(t))
    ]
    (clue,) = [c for c in found(*OTHERS, *worked, failing=FAILING) if c.component == "cinder-volume"]
    own = found(*OTHERS, *writes("cinder-volume", range(0, 400, 5)), failing=FAILING)[0]
    assert (clue.role, clue.weight < own.weight) == ("symptom", True)


def test_where_a_whole_host_is_quiet_the_silence_is_the_host_s() -> None:
    far = [
        row for service in ("nova-compute", "kernel", "libvirtd") for row in writes(service, range(0, 300, 4), "n-1")
    ]
    (clue,) = found(*OTHERS, *far, failing=(at(300), at(600)))
    assert (clue.component, clue.host, clue.role, clue.first) == ("host", "n-1", "symptom", at(296))
    assert clue.statement.startswith("host n-1 wrote nothing for 299 s")
    boot: Row = {"service": "kernel", "host": "n-1", "message": "Linux version 5.15.0", "at": 500.0}
    back = [row for service in ("nova-compute", "libvirtd") for row in writes(service, range(505, 600, 5), "n-1")]
    assert found(*OTHERS, *far, boot, *back) == []


def halves(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    first, last = lab.bounds(table)
    middle = first + (last - first) / 2
    return table.filter(pl.col("time") < middle), table.filter(pl.col("time") >= middle)


@pytest.mark.parametrize("health", BASELINES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_silence_in_health_is_a_cause(health: Path) -> None:
    table = with_root(read_logs((health / "logs",), Settings()).table)
    first, second = halves(table)
    given = [(table, None), (table, table), (first, None), (second, None), (first, second), (second, first)]
    clues = [silences(logs, baseline, GRAPH, lab.bounds(logs)) for logs, baseline in given]
    assert [c.statement for found in clues for c in found if c.role == "cause"] == []
    assert [len(found) for found in clues[1:]] == [0] * 5
