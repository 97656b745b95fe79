"""A question about loaded logs → the lines that are closest to it, when no language model answers."""

from dataclasses import dataclass

import polars as pl

from openstack_rca.dashboard.loading import Loaded
from openstack_rca.reporting.plain import cut, plain
from openstack_rca.retrieval.tfidf import TfidfIndex

_LEAST = 0.12
_LONGEST = 600


@dataclass(frozen=True)
class Finding:
    """A kind of line that is close to a question: its first occurrence, and how often it occurs."""

    file: str
    line: int
    service: str
    level: str
    message: str
    count: int
    score: float


def closest(loaded: Loaded, question: str, most: int = 6) -> list[Finding]:
    """Return the kinds of line closest to a question by TF-IDF, best first; loud and new ones come before others."""
    ids = list(loaded.texts)
    scores = TfidfIndex([loaded.texts[i] for i in ids]).scores(question)
    close = pl.DataFrame({"template": ids, "score": scores}).filter(pl.col("score") >= _LEAST)
    found = (
        loaded.table.lazy()
        .with_columns(pl.col("template").cast(pl.String))
        .join(close.lazy(), on="template")
        .group_by("template", "service")
        .agg(
            pl.col("file", "line", "message").first(),
            pl.col("level", "novelty").max(),
            pl.col("score").first(),
            n=pl.len(),
        )
        .with_columns(rank=pl.col("score") * (1 + 0.3 * (pl.col("level") >= "WARNING") + 0.3 * pl.col("novelty")))
        .sort("rank", "n", descending=True)
        .head(most)
        .collect()
    )
    return [
        Finding(
            r["file"],
            r["line"],
            r["service"] or "unknown",
            r["level"],
            cut(plain(r["message"]), _LONGEST),
            r["n"],
            r["score"],
        )
        for r in found.iter_rows(named=True)
    ]
