"""Hypotheses -> the lines to show: those that carry the clues of the best causes first, then the most relevant others."""

from collections import Counter
from collections.abc import Iterable, Sequence

import polars as pl

from openstack_rca.records import Clue, Hypothesis

_PER_CLUE = 1
_ROLE = {"cause": 1.0, "symptom": 0.7, "context": 0.5}
_CLUES_BY_RANK = (11, 4, 2, 1, 1)
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
            chosen.setdefault(record, "new or unusual" if novelty > 0.5 else "stands out by its level")
    return chosen


def _of_clues(clues: Iterable[Clue], limit: int) -> list[tuple[int, str]]:
    """Return the first records of the best clues: strong ones first, each further one of a finding or reporter for less."""
    left, findings, reporters = list(clues), Counter[str](), Counter[str]()
    chosen: list[Clue] = []
    while left and len(chosen) < limit:
        best = max(
            left,
            key=lambda c: _ROLE[c.role] * c.weight * 0.6 ** findings[_finding(c)] * 0.8 ** reporters[c.reporter],
        )
        left.remove(best)
        chosen.append(best)
        findings[_finding(best)] += 1
        reporters[best.reporter] += 1
    return [(record, clue.statement) for clue in chosen for record in clue.records[:_PER_CLUE]]


def _finding(clue: Clue) -> str:
    """Name what a clue found apart from who reported it: the signature, the exception, the kind."""
    return (
        ":".join(clue.key.split(">")[-1].split(":")[:2])
        if clue.kind in ("answer", "traceback")
        else clue.key.split(":")[0]
    )


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
