"""How much of what is new in the logs a cause accounts for: the root of a failure is behind most of what went wrong."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from openstack_rca.contracts import Topology
from openstack_rca.records import Hypothesis

_NEWS = 0.5
"""From this novelty on a warning or error is news."""


def with_coverage(hypotheses: Sequence[Hypothesis], table: pl.DataFrame, topology: Topology) -> list[Hypothesis]:
    """Return the hypotheses with their coverage; `table` has `novelty` and `template`.

    Of the kinds of line that are news, warnings and errors and what the clues cite, those count which the clues of a hypothesis
    cite or which its own component wrote. What is known to be no failure is none of them. Where there are few, the share is
    near one half (Laplace's rule of succession).
    """
    told = [{r for c in h.clues if c.role != "context" for r in c.records} for h in hypotheses]
    beside = {r for h in hypotheses for c in h.clues if c.role == "context" for r in c.records}
    accusing = set().union(*told)
    is_cited = pl.col("record").is_in(list(accusing))
    kinds = table.filter(pl.col("novelty") >= _NEWS).select(
        "record",
        "level",
        pl.col("service").cast(pl.String),
        pl.struct("service", "template").rank("dense").alias("kind"),
    )
    harmless = kinds.filter(pl.col("record").is_in(list(beside - accusing)))["kind"].unique()
    news = kinds.filter(((pl.col("level") >= "WARNING") & ~pl.col("kind").is_in(harmless.implode())) | is_cited)
    kind_of = dict(news.filter(is_cited).select("record", "kind").iter_rows())
    own: dict[str | None, set[int]] = {}
    for service, written in news.group_by("service").agg(pl.col("kind").unique()).iter_rows():
        own.setdefault(topology.resolve(service), set()).update(written)
    total = news["kind"].n_unique()
    return [
        replace(
            h,
            coverage=(len({kind_of[r] for r in cited if r in kind_of} | own.get(h.component, set())) + 1) / (total + 2),
        )
        for h, cited in zip(hypotheses, told, strict=True)
    ]
