from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from openstack_rca.correlation import clock_clues, clock_errors, with_root, with_true_time

from .tables import at, log_table


def requests(behind: float = 0.0, number: int = 5, every: float = 20.0, **compute: Any) -> pl.DataFrame:
    """Requests that an API host takes for a second, and that a compute host works on half a second after their start."""
    rows = []
    for n in range(number):
        root = f"req-{n}"
        rows.append(
            {
                "at": n * every + 1.0,
                "host": "api",
                "request_id": root,
                "message": '"POST /servers" status: 202 time: 1.0',
            }
        )
        rows.append(
            {
                "at": n * every + 0.5 - behind,
                "host": "compute-1",
                "service": "nova-compute",
                "request_id": root,
                "message": "m",
            }
            | compute
        )
    return with_root(log_table(*rows))


def test_a_host_that_works_on_requests_before_they_are_made_has_a_slow_clock() -> None:
    ((host, error),) = clock_errors(requests(behind=30)).items()
    assert host == "compute-1"
    assert abs(error + timedelta(seconds=29.5)) < timedelta(seconds=1)


def test_a_host_that_is_always_later_than_any_timer_has_a_fast_clock() -> None:
    assert clock_errors(requests(behind=-3600))["compute-1"] > timedelta(minutes=59)


@pytest.mark.parametrize(
    "table",
    [
        requests(),
        requests(behind=-60.0),
        requests(behind=30, number=2),
        requests(behind=30, host=None),
        requests(behind=30, request_id=None),
        log_table({"at": None}),
    ],
    ids=["in step", "a minute's timer", "two requests", "no host", "no id", "no time"],
)
def test_nothing_is_said_of_clocks_that_cannot_be_judged(table: pl.DataFrame) -> None:
    assert clock_errors(table if "root" in table.columns else with_root(table)) == {}


def test_times_are_set_right_and_only_those_of_the_host() -> None:
    table = requests(behind=30)
    right = with_true_time(table, {"compute-1": timedelta(seconds=-30)})
    first = right.sort("record").head(2)["time"].to_list()
    assert first == [at(1.0), at(0.5)]
    assert with_true_time(table, {}) is table


@pytest.mark.parametrize(("behind", "role"), [(90, "cause"), (10, "context")])
def test_a_clock_off_by_more_than_a_service_may_be_silent_is_a_cause(behind: float, role: str) -> None:
    table = requests(behind=behind)
    (clue,) = clock_clues(table, clock_errors(table))
    assert (clue.component, clue.host, clue.role) == ("host", "compute-1", role)
    assert "behind the others" in clue.statement
    assert clue.records
