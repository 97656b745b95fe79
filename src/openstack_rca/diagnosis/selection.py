"""Hypotheses -> the lines to show: those that carry the clues of the best causes first, then the most relevant others."""

from collections import Counter
from collections.abc import Iterable, Sequence

import polars as pl

from openstack_rca.records import Clue, Hypothesis

_ROLE = {"cause": 1.0, "symptom": 0.7, "context": 0.5}
"""What a clue is worth to be shown, by its role."""
_SAME_FINDING, _SAME_REPORTER = 0.6, 0.8
"""What each further clue of the same finding, and each of the same reporter, is worth against the one before it."""
_TELLING = 0.05
"""From which weight on a clue proves anything: a call that is refused in health too does not."""
_CLUES_BY_RANK = (11, 4, 2, 1, 1)
"""How many clues of the first, second … cause are shown."""
_NEWS, _IRRELEVANT = 0.5, 0.05
"""From which novelty on a line is called new, and up to which relevance it is not shown."""
_MOST_KINDS = 200


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
            chosen.setdefault(record, "new or unusual" if novelty > _NEWS else "stands out by its level")
    return chosen


def _of_clues(clues: Iterable[Clue], limit: int) -> list[tuple[int, str]]:
    """Return the first records of the best clues: strong ones first, each further one of a finding or reporter for less."""
    left = [c for c in clues if c.role == "context" or c.weight >= _TELLING]
    findings, reporters = Counter[str](), Counter[str]()
    chosen: list[Clue] = []
    while left and len(chosen) < limit:
        best = max(left, key=lambda c: _worth(c, findings, reporters))
        left.remove(best)
        chosen.append(best)
        findings[_finding(best)] += 1
        reporters[best.reporter] += 1
    return [(record, clue.statement) for clue in chosen for record in clue.records[:1]]


def _worth(clue: Clue, findings: Counter[str], reporters: Counter[str]) -> float:
    """Return what it is worth to show a clue beside those of the same findings and reporters that are shown already."""
    worth = _ROLE[clue.role] * clue.weight
    return worth * _SAME_FINDING ** findings[_finding(clue)] * _SAME_REPORTER ** reporters[clue.reporter]


def _finding(clue: Clue) -> str:
    """Name what a clue found apart from who reported it: the signature, the exception, else only whom it is about."""
    return clue.finding or clue.component


def _templates(table: pl.DataFrame, records: Iterable[int]) -> set[tuple[str | None, str | None]]:
    rows = table.filter(pl.col("record").is_in(list(records))).select("service", "template")
    return set(rows.iter_rows())


def _by_relevance(table: pl.DataFrame) -> Iterable[tuple[int, str | None, str | None, float]]:
    """Return record, service, template and novelty of the most relevant record of each kind, the most relevant first."""
    best = (
        table.filter(pl.col("relevance") > _IRRELEVANT)
        .sort("relevance", "record", descending=[True, False])
        .unique(subset=["service", "template"], keep="first", maintain_order=True)
        .head(_MOST_KINDS)
    )
    return best.select("record", "service", "template", "novelty").iter_rows()
