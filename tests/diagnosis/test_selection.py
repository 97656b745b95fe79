from typing import Any

import polars as pl
from tests.correlation.tables import log_table
from tests.diagnosis.clues import clue

from openstack_rca.diagnosis.selection import choose
from openstack_rca.records import Clue, Hypothesis


def hypothesis(*clues: Clue) -> Hypothesis:
    return Hypothesis(clues[0].component, "nova", None, "bug", 0.5, clues)


def relevant(*rows: dict[str, Any]) -> pl.DataFrame:
    return log_table(*({"message": f"m{n}", **row} for n, row in enumerate(rows))).with_columns(
        relevance=pl.lit(0.9) - pl.col("record") / 1000, novelty=pl.lit(1.0)
    )


def test_never_more_than_asked_for() -> None:
    clues = [clue("nova-api", key=f"k{n}", records=(n,)) for n in range(30)]
    table = relevant(*[{}] * 100)
    assert len(choose([hypothesis(*clues)], table, 7)) == 7
    assert len(choose([], table, 7)) == 7


def test_lines_of_the_first_cause_come_before_those_of_the_second() -> None:
    first, second = clue("nova-api", 0.4, records=(50,)), clue("glance-api", 0.9, records=(60,))
    assert list(choose([hypothesis(first), hypothesis(second)], relevant(*[{}] * 3), 5))[:2] == [50, 60]


def test_each_clue_says_why_its_line_is_shown() -> None:
    chosen = choose([hypothesis(clue("nova-api", records=(1,)))], relevant({}, {}), 5)
    assert chosen[1] == "nova-api failed"
    assert chosen[0]


def test_another_reporter_is_worth_more_than_the_same_finding_again() -> None:
    same = [
        clue("rabbitmq", 0.6, key=f"{n}", finding="refused", reporter="nova-compute", records=(n,)) for n in range(20)
    ]
    other = clue("rabbitmq", 0.5, finding="stopped", reporter="rabbitmq", records=(99,))
    assert 99 in list(choose([hypothesis(*same, other)], relevant({}), 20))[:3]


def test_a_template_is_shown_once_for_each_program() -> None:
    rows = [{"message": "same", "service": s} for s in ("nova-api", "nova-api", "glance-api")]
    assert list(choose([], relevant(*rows), 10)) == [0, 2]


def test_what_a_clue_shows_is_not_shown_again_by_its_template() -> None:
    table = relevant({"message": "same"}, {"message": "same"})
    assert list(choose([hypothesis(clue("nova-api", records=(1,)))], table, 10)) == [1]


def test_irrelevant_lines_do_not_fill_the_page() -> None:
    table = relevant({}, {}).with_columns(relevance=pl.Series([0.01, 0.02]))
    assert choose([], table, 10) == {}
