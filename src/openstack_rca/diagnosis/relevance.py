"""How much a line matters: its level, its novelty, its closeness to the issue text, and the requests that were asked for."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from openstack_rca.records import Question

_LEVEL = {"DEBUG": 0.0, "INFO": 0.1, "WARNING": 0.45, "ERROR": 0.9, "CRITICAL": 1.0}
_TERM = r"[a-z][a-z0-9_]{2,}"
RELEVANT = 0.5
"""A line from this relevance on counts as relevant."""


def with_relevance(
    table: pl.DataFrame, question: Question, roots: Sequence[str], weights: tuple[float, float, float]
) -> pl.DataFrame:
    """Return the table with `closeness` and `relevance`, both 0 to 1.

    `weights` are those of level, novelty and closeness to the issue. Level and novelty multiply (a loud line that was
    always there is no news), closeness adds; lines of the requests that the question names gain half of what is missing.
    """
    by_level, by_novelty, by_issue = weights
    level = pl.col("level").cast(pl.String).replace_strict(_LEVEL, return_dtype=pl.Float64)
    scored = _with_closeness(table, question)
    loud = level.pow(by_level) if by_level else pl.lit(1.0)
    news = (0.15 + 0.85 * pl.col("novelty")).pow(by_novelty) if by_novelty else pl.lit(1.0)
    raw = loud * news + by_issue * 0.25 * pl.col("closeness") * (0.2 + 0.8 * pl.col("novelty"))
    asked = pl.col("root").is_in(list(roots)) & (pl.col("novelty") > 0.3)
    return scored.with_columns(
        relevance=pl.when(asked).then(raw.clip(0, 1) * 0.5 + 0.5 * pl.col("novelty")).otherwise(raw.clip(0, 1))
    )


def _with_closeness(table: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Add the TF-IDF cosine between each template's message and the issue; computed once a template."""
    words = [w for w in question.words if len(w) > 2]
    if not words or table.is_empty():
        return table.with_columns(closeness=pl.lit(0.0))
    texts = table.group_by("template").agg(pl.col("message").first(), pl.len().alias("n"))
    terms = texts.select(
        pl.col("message").str.slice(0, 2000).str.to_lowercase().str.extract_all(_TERM).list.unique().alias("terms")
    )["terms"]
    sets = [set(t) for t in terms]
    idf = {w: np.log(1 + len(sets) / (1 + sum(w in s for s in sets))) for w in words}
    norm = float(np.sqrt(sum(v * v for v in idf.values())))
    cosine = [sum(idf[w] for w in words if w in s) / (norm * np.sqrt(max(4, len(s)))) for s in sets]
    lookup = texts.select("template").with_columns(closeness=pl.Series(cosine, dtype=pl.Float64).clip(0, 1))
    return table.join(lookup, on="template", how="left", nulls_equal=True)
