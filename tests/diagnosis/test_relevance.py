import polars as pl
from tests.correlation.tables import log_table

from openstack_rca.diagnosis import with_relevance

WEIGHTS = (1.0, 1.0, 1.0)


def relevance(
    *rows: dict[str, object], asked: tuple[str, ...] = (), weights: tuple[float, float, float] = WEIGHTS
) -> list[float]:
    """The relevance of rows of level, novelty, tfidf and fused; each is a request of its own: r0, r1 …"""
    filled = [{"novelty": 1.0, "tfidf": 0.0, "fused": 0.5, **row} for row in rows]
    table = log_table(*({"message": "m", "level": row["level"]} for row in filled)).with_columns(
        *(pl.Series(name, [row[name] for row in filled], pl.Float64) for name in ("novelty", "tfidf", "fused")),
        root=pl.format("r{}", pl.col("record")),
    )
    found: list[float] = with_relevance(table, asked, weights)["relevance"].to_list()
    return found


def test_a_loud_line_that_was_always_there_is_no_news() -> None:
    fresh, old, quiet = relevance({"level": "ERROR"}, {"level": "ERROR", "novelty": 0.0}, {"level": "INFO"})
    assert fresh > 0.5 > quiet
    assert fresh > 0.5 > old


def test_what_is_close_to_the_issue_is_lifted() -> None:
    near, far = relevance({"level": "WARNING", "tfidf": 1.0}, {"level": "WARNING"})
    assert near > far


def test_what_the_signals_together_say_has_its_part() -> None:
    liked, disliked = relevance({"level": "WARNING", "fused": 0.9}, {"level": "WARNING", "fused": 0.1})
    assert liked > disliked


def test_news_of_the_request_that_was_asked_for_matter_whatever_their_level() -> None:
    named, other, routine = relevance(*[{"level": "INFO"}] * 2, {"level": "INFO", "novelty": 0.1}, asked=("r0", "r2"))
    assert named > 0.5 > other
    assert routine < 0.5


def test_a_weight_of_zero_takes_its_part_out() -> None:
    loud, quiet = relevance({"level": "ERROR"}, {"level": "INFO"}, weights=(0.0, 1.0, 1.0))
    assert loud == quiet
    fresh, old = relevance({"level": "ERROR"}, {"level": "ERROR", "novelty": 0.0}, weights=(1.0, 0.0, 0.0))
    assert fresh == old
    near, far = relevance({"level": "INFO", "tfidf": 1.0}, {"level": "INFO"}, weights=(1.0, 1.0, 0.0))
    assert near == far


def test_relevance_stays_between_0_and_1() -> None:
    extreme = [{"level": "CRITICAL", "tfidf": 1.0, "fused": 1.0}, {"level": "DEBUG", "novelty": 0.0, "fused": 0.0}]
    assert all(0 <= r <= 1 for r in relevance(*extreme, asked=("r0",), weights=(1.0, 1.0, 9.0)))
