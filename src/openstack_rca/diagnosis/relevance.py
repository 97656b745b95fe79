"""How much a line matters: its level, its novelty, its closeness to the issue text, and the requests that were asked for."""

from collections.abc import Sequence

import polars as pl

_LEVEL = {"DEBUG": 0.0, "INFO": 0.1, "WARNING": 0.45, "ERROR": 0.9, "CRITICAL": 1.0}
_BY_RULE = 0.5
"""The share of the rule; the fused score has the rest."""
_ROUTINE = 0.15
"""What is left of a loud line that was always there."""
_CLOSE, _CLOSE_ROUTINE = 0.25, 0.2
"""What closeness to the issue adds at most, and what is left of that for a line that was always there."""
_NEWS = 0.3
"""Lines of the requests that were asked for gain from this novelty on."""
RELEVANT = 0.5
"""A line from this relevance on counts as relevant."""


def with_relevance(table: pl.DataFrame, roots: Sequence[str], weights: tuple[float, float, float]) -> pl.DataFrame:
    """Return the table, which has `novelty`, `fused` and `tfidf`, with the column `relevance`, 0 to 1.

    `weights` are those of level, novelty and closeness to the issue. Level and novelty multiply (a loud line that was
    always there is no news), closeness adds; the fused score has half a say. Lines of the requests whose `roots` were asked
    for gain half of what is missing.
    """
    by_level, by_novelty, by_issue = weights
    level = pl.col("level").cast(pl.String).replace_strict(_LEVEL, return_dtype=pl.Float64)
    loud = level.pow(by_level) if by_level else pl.lit(1.0)
    news = (_ROUTINE + (1 - _ROUTINE) * pl.col("novelty")).pow(by_novelty) if by_novelty else pl.lit(1.0)
    ruled = loud * news + by_issue * _CLOSE * pl.col("tfidf") * (
        _CLOSE_ROUTINE + (1 - _CLOSE_ROUTINE) * pl.col("novelty")
    )
    raw = _BY_RULE * ruled.clip(0, 1) + (1 - _BY_RULE) * pl.col("fused")
    asked = pl.col("root").is_in(list(roots)) & (pl.col("novelty") > _NEWS)
    return table.with_columns(relevance=pl.when(asked).then(raw * 0.5 + 0.5 * pl.col("novelty")).otherwise(raw))
