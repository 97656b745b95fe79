from datetime import timedelta

import polars as pl
from tests.correlation.tables import START, at, log_table

from openstack_rca.correlation import Episode, compare, episodes, with_novelty

Row = dict[str, object]


def parts(*rows: Row) -> list[Episode]:
    table = log_table(*rows)
    return episodes(with_novelty(table, compare(table, None)))


def healthy(until: int) -> list[Row]:
    return [{"message": "heartbeat", "at": float(s)} for s in range(0, until + 1, 10)]


def failing(message: str, *seconds: float) -> list[Row]:
    return [{"message": message, "at": s, "level": "ERROR"} for s in seconds]


def test_failures_apart_by_more_than_any_timer_are_several_episodes_that_cover_all_of_the_logs() -> None:
    rows = [*healthy(3600), *failing("no disk", 600, 640), *failing("no network", 3000, 3060)]
    first, second, quiet = parts(*rows)
    assert (first.begin, first.first, first.last) == (START, at(600), at(640))
    assert (second.first, second.last) == (at(3000), at(3060))
    assert quiet.first is None
    assert (first.end, second.end, quiet.end) == (second.begin, quiet.begin, at(3600))
    assert first.last < first.end <= first.last + timedelta(minutes=2)  # type: ignore[operator]


def test_failures_within_a_timer_are_one_episode() -> None:
    assert len(parts(*healthy(1200), *failing("no disk", 600, 640), *failing("no network", 900, 960))) == 1


def test_the_same_failure_again_is_the_same_episode() -> None:
    rows = [*healthy(7200), *failing("no disk", 600, 640), *failing("no disk", 3000), *failing("no disk", 7000, 7190)]
    (only,) = parts(*rows)
    assert (only.first, only.last) == (at(600), at(7190))


def test_a_single_warning_is_no_episode_and_neither_is_an_error_that_always_comes() -> None:
    routine: list[Row] = failing("always", *range(0, 7200, 60))
    rows = [*healthy(7200), *routine, {"message": "odd", "at": 1000.0, "level": "WARNING"}, *failing("no disk", 5000)]
    table = log_table(*rows)
    novelty = pl.when(pl.col("message") == "always").then(0.0).otherwise(1.0)
    loud, quiet = episodes(table.with_columns(novelty=novelty))
    assert (loud.begin, loud.first, loud.last) == (START, at(5000), at(5000))
    assert quiet.first is None


def test_logs_without_any_failure_or_time_hold_no_choice() -> None:
    (whole,) = parts(*healthy(600))
    assert (whole.begin, whole.first, whole.end) == (START, None, at(600))
    assert parts({"message": "no time", "at": None}) == []
