"""Hypotheses -> the lines to show: those that carry the clues of the best causes first, then the most relevant others."""

from collections import Counter
from collections.abc import Iterable, Sequence

import polars as pl

from openstack_rca.records import Clue, Hypothesis

_PER_CLUE = 1
_CLUES_BY_RANK = (9, 4, 2, 2, 1)
"""How many clues of the first, second … cause are shown."""


def choose(hypotheses: Sequence[Hypothesis], table: pl.DataFrame, most: int) -> dict[int, str]:
    """Return at most `most` record ids with the reason why each is shown, in the order of importance.

    Each clue shows its first record; a template is shown once per program unless a clue needs it.
    """
    chosen: dict[int, str] = {}
    for rank, hypothesis in enumerate(hypotheses):
        limit = _CLUES_BY_RANK[min(rank, len(_CLUES_BY_RANK) - 1)]
        for record, why in _of_clues(hypothesis.clues, limit):
            if len(chosen) < most:
                chosen.setdefault(record, why)
    shown = _templates(table, chosen)
    for record, service, template, novelty in _by_relevance(table):
        if len(chosen) >= most:
            break
        if (service, template) not in shown:
            shown.add((service, template))
            chosen.setdefault(record, "new against the time of health" if novelty > 0.5 else "stands out by its level")
    return chosen


def _of_clues(clues: Iterable[Clue], limit: int) -> list[tuple[int, str]]:
    """Return the first records of the clues: one of each reporter and finding before a second one, context last."""
    seen: Counter[tuple[str, str]] = Counter()
    ranked = []
    for i, clue in enumerate(clues):
        finding = (clue.reporter, ":".join(clue.key.split(":")[:2]))
        same_reporter = sum(n for (reporter, _), n in seen.items() if reporter == clue.reporter)
        ranked.append(((seen[finding], clue.role == "context", same_reporter // 2, i), clue))
        seen[finding] += 1
    chosen = [clue for _, clue in sorted(ranked, key=lambda r: r[0])][:limit]
    return [(record, clue.statement) for clue in chosen for record in clue.records[:_PER_CLUE]]


def _templates(table: pl.DataFrame, records: Iterable[int]) -> set[tuple[str | None, str | None]]:
    rows = table.filter(pl.col("record").is_in(list(records))).select("service", "template")
    return set(rows.iter_rows())


def _by_relevance(table: pl.DataFrame) -> Iterable[tuple[int, str | None, str | None, float]]:
    best = (
        table.filter(pl.col("relevance") > 0.05)
        .sort("relevance", "record", descending=[True, False])
        .unique(subset=["service", "template"], keep="first", maintain_order=True)
        .head(200)
    )
    return best.select("record", "service", "template", "novelty").iter_rows()
