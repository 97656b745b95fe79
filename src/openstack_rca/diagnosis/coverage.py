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

    Of the kinds of warnings and errors that are news, those count which the clues of a hypothesis cite or which its own
    component wrote. Where there are few, the share is near one half (Laplace's rule of succession).
    """
    news = table.filter((pl.col("novelty") >= _NEWS) & (pl.col("level") >= "WARNING")).select(
        "record", pl.col("service").cast(pl.String), pl.struct("service", "template").rank("dense").alias("kind")
    )
    cited = {r for h in hypotheses for c in h.clues for r in c.records}
    kind_of = dict(news.filter(pl.col("record").is_in(list(cited))).select("record", "kind").iter_rows())
    own: dict[str | None, set[int]] = {}
    for service, kinds in news.group_by("service").agg(pl.col("kind").unique()).iter_rows():
        own.setdefault(topology.resolve(service), set()).update(kinds)
    total = news["kind"].n_unique()
    found = []
    for h in hypotheses:
        told = {kind_of[r] for c in h.clues if c.role != "context" for r in c.records if r in kind_of}
        coverage = (len(told | own.get(h.component, set())) + 1) / (total + 2)
        found.append(replace(h, coverage=coverage))
    return found
