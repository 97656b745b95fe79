import polars as pl
from tests.correlation.tables import log_table

from openstack_rca.diagnosis import with_relevance
from openstack_rca.records import Question


def relevance(*rows: tuple[str, str, float], asked: tuple[str, ...] = (), words: tuple[str, ...] = ()) -> list[float]:
    table = log_table(*({"level": level, "message": message} for level, message, _ in rows)).with_columns(
        novelty=pl.Series([n for *_, n in rows], dtype=pl.Float64), root=pl.col("message")
    )
    found: list[float] = with_relevance(table, Question("", words=words), asked, (1.0, 1.0, 1.0))["relevance"].to_list()
    return found


def test_a_loud_line_that_was_always_there_is_no_news() -> None:
    fresh, old, quiet = relevance(("ERROR", "a", 1.0), ("ERROR", "b", 0.0), ("INFO", "c", 1.0))
    assert fresh > 0.5 > quiet
    assert fresh > 0.5 > old


def test_words_of_the_issue_lift_the_lines_that_hold_them() -> None:
    near, far = relevance(
        ("WARNING", "volume attach failed", 1.0), ("WARNING", "image upload failed", 1.0), words=("volume", "attach")
    )
    assert near > far


def test_news_of_the_request_that_was_asked_for_matter_whatever_their_level() -> None:
    named, other, routine = relevance(("INFO", "a", 1.0), ("INFO", "b", 1.0), ("INFO", "c", 0.1), asked=("a", "c"))
    assert named > 0.5 > other
    assert routine < 0.5


def test_relevance_stays_between_0_and_1() -> None:
    found = relevance(
        ("CRITICAL", "volume volume", 1.0), ("DEBUG", "x", 0.0), asked=("volume volume",), words=("volume",)
    )
    assert all(0 <= r <= 1 for r in found)
