from datetime import timedelta

import polars as pl
import pytest
from tests.cases import lab
from tests.correlation.tables import START, at, log_table, novel

from openstack_rca.correlation import (
    absence_clues,
    compare,
    load_topology,
    novelty_clues,
    onset,
    patterns,
    vanished,
    with_novelty,
)
from openstack_rca.pipeline.analysis import mine
from openstack_rca.records import Clue

HOUR = 3600.0
HEARTBEAT = [{"message": "heartbeat", "at": float(s)} for s in range(0, 3600, 10)]


def novelty(now: list[dict[str, object]], before: list[dict[str, object]] | None, template: str) -> float:
    change = compare(log_table(*now), log_table(*before) if before is not None else None)
    return float(change.filter(pl.col("template") == template)["novelty"][0])


def test_with_a_baseline_what_it_never_held_is_all_new() -> None:
    now = [*HEARTBEAT, {"message": "odd", "at": 60.0}]
    assert novelty(now, HEARTBEAT, "odd") == 1.0
    assert novelty(now, HEARTBEAT, "heartbeat") == 0.0


def test_with_a_baseline_only_what_exceeds_chance_is_news() -> None:
    before = [*HEARTBEAT, {"message": "retry", "at": 5.0}]
    twice = [*HEARTBEAT, *({"message": "retry", "at": 7.0 + n} for n in range(2))]
    often = [*HEARTBEAT, *({"message": "retry", "at": 7.0 + n} for n in range(90))]
    assert novelty(twice, before, "retry") == 0.0
    assert novelty(often, before, "retry") > 0.9


def test_a_longer_time_may_hold_more_of_the_same() -> None:
    short = [{"message": "tick", "at": float(s)} for s in range(0, 601, 100)]
    long = [{"message": "tick", "at": float(s)} for s in range(0, 3601, 100)]
    assert novelty(long, short, "tick") == 0.0


def test_without_a_baseline_bunched_is_news_and_steady_is_not() -> None:
    burst = [{"message": "burst", "at": 1800.0 + n / 10, "level": "ERROR"} for n in range(30)]
    steady = [{"message": "steady", "at": n * 110.0, "level": "WARNING"} for n in range(30)]
    assert novelty([*HEARTBEAT, *burst, *steady], None, "burst") > 0.9
    assert novelty([*HEARTBEAT, *burst, *steady], None, "steady") < 0.5


def test_without_a_baseline_a_failure_that_came_late_and_stayed_is_news() -> None:
    late = [{"message": "late", "at": 1200.0 + n * 80, "level": "ERROR"} for n in range(30)]
    assert novelty([*HEARTBEAT, *late], None, "late") > 0.95
    assert novelty([*HEARTBEAT, *({**row, "level": "INFO"} for row in late)], None, "late") < 0.7
    assert novelty(late, None, "late") < 0.5  # nothing tells that it did not come before


def test_without_a_baseline_failures_that_never_stop_stay_some_news() -> None:
    failing = [{"message": "refused", "at": n * 10.0, "level": "ERROR"} for n in range(360)]
    assert 0.2 < novelty(failing, None, "refused") < 0.9
    assert (
        novelty([*failing, {"message": "Option x is deprecated", "level": "WARNING"}], None, "Option x is deprecated")
        < 0.2
    )


def test_novelty_reaches_every_record_also_those_without_a_service() -> None:
    table = log_table(*HEARTBEAT, {"message": "odd", "at": 60.0, "service": None})
    scored = with_novelty(table, compare(table, log_table(*HEARTBEAT)))
    assert scored.height == table.height
    assert scored.filter(pl.col("message") == "odd")["novelty"].to_list() == [1.0]


def test_onset_is_where_failures_set_in_and_not_the_first_odd_line() -> None:
    noise = [{"message": "noise", "at": 300.0, "level": "WARNING"}]
    failures = [{"message": f"failure {n % 5}", "at": 2400.0 + 5 * n, "level": "ERROR"} for n in range(60)]
    began = onset(novel(log_table(*HEARTBEAT, *noise, *failures)))
    assert began is not None
    assert abs(began - at(2400)) < timedelta(seconds=30)


def test_onset_is_unknown_in_health_and_when_failures_begin_with_the_logs() -> None:
    assert onset(novel(log_table(*HEARTBEAT))) is None
    assert onset(novel(log_table(*({"message": "bad", "level": "ERROR", "at": n * 10.0} for n in range(360))))) is None
    assert onset(novel(log_table({"message": "x", "at": None}))) is None


@pytest.mark.parametrize("case", ["rabbitmq-stopped", "mariadb-stopped", "memcached-down"])
def test_onset_of_a_real_outage_is_close_to_the_fault(case: str) -> None:
    table, healthy, _ = mine(lab.table(case), lab.table("baseline-1"))
    began = onset(with_novelty(table, compare(table, healthy)))
    start = pl.Series([lab.truth(case)["fault_start"]]).str.to_datetime()[0]
    assert began is not None
    assert abs(began - start) < timedelta(seconds=20)


def test_patterns_name_what_is_new_and_what_became_more() -> None:
    before = [*HEARTBEAT, {"message": "retry", "at": 5.0}]
    now = [*HEARTBEAT, *({"message": "retry", "at": 7.0 + n} for n in range(90)), {"message": "odd", "at": 50.0}]
    found = {
        p.template: p
        for p in patterns(compare(log_table(*now), log_table(*before)), None, {"odd": "odd", "retry": "retry"})
    }
    assert (found["odd"].change, found["odd"].baseline_count, found["odd"].first) == ("new", 0, at(50))
    assert (found["retry"].change, found["retry"].count) == ("more", 90)
    assert "heartbeat" not in found


def news(*lines: dict[str, object]) -> list[Clue]:
    """Clues about lines beside health, in which cinder-volume and glance-api wrote four kinds of line each."""
    usual = [{"message": f"usual {n}", "service": s} for n in range(4) for s in ("cinder-volume", "glance-api")]
    change = compare(log_table(*HEARTBEAT, *usual, *lines), log_table(*HEARTBEAT, *usual))
    return sorted(novelty_clues(change, load_topology()), key=lambda c: -c.weight)


def odd(kinds: int, service: str) -> list[dict[str, object]]:
    return [{"message": f"odd {n}", "at": 60.0 + n, "service": service} for n in range(kinds)]


def test_the_service_with_most_new_kinds_of_line_is_weakly_accused() -> None:
    clues = news(*odd(4, "cinder-volume"), *odd(1, "glance-api"))
    assert [c.component for c in clues] == ["cinder-volume", "glance-api"]
    assert clues[0].weight < 0.3
    assert clues[0].first == START + timedelta(seconds=60)


def test_what_is_new_of_a_program_that_health_did_not_see_at_work_says_nothing() -> None:
    assert news(*odd(5, "nova-novncproxy")) == []
    assert news(*odd(5, "cinder-volume"))


def steps(kinds: int) -> list[dict[str, object]]:
    """Lines of cinder-volume in so many kinds, ten times each."""
    return [{"service": "cinder-volume", "message": f"step {n % kinds}", "at": float(n)} for n in range(10 * kinds)]


def absences(now: list[dict[str, object]], before: list[dict[str, object]]) -> list[Clue]:
    table = log_table(*now)
    return absence_clues(vanished(table, log_table(*before)), table, load_topology())


def test_a_program_that_leaves_out_steps_is_suspected_weakly_with_its_last_line() -> None:
    alive = [{"service": "cinder-volume", "message": "step 0", "at": float(n)} for n in range(120)]
    (clue,) = absences(alive, steps(12))
    assert (clue.component, clue.role, clue.count) == ("cinder-volume", "cause", 11)
    assert clue.records == (119,)
    assert 0.25 < clue.weight < 0.6
    assert "11 kinds of line" in clue.statement


def test_what_vanished_comes_in_the_order_of_the_healthy_logs() -> None:
    alive = [{"service": "cinder-volume", "message": "step 0", "at": float(n)} for n in range(120)]
    told = vanished(log_table(*alive), log_table(*steps(12)))
    assert told["template"].to_list() == [f"step {n}" for n in range(1, 12)]


def test_few_missing_lines_say_less_than_many() -> None:
    def weight(missing: int) -> float:
        kinds = missing + 1
        alive = [{"service": "cinder-volume", "message": "step 0", "at": float(n)} for n in range(10 * kinds)]
        return absences(alive, steps(kinds))[0].weight

    assert weight(1) < weight(5) < weight(30)
    assert absences(steps(3), steps(3)) == []
