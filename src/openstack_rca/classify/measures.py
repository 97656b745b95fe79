"""Measures of a score against labels, each as a plain function of arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Scores = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """How well calls of "important" agree with the labels, each 0 to 1; `pr_auc` judges the order of the scores."""

    accuracy: float
    precision: float
    recall: float
    f1: float
    pr_auc: float


def judge(scores: Scores, called: Flags, labels: Flags) -> Verdict:
    """Return the verdict on scores and the calls made of them; a rate without a case to judge is 0."""
    right = int((called & labels).sum())
    precision = right / max(int(called.sum()), 1)
    recall = right / max(int(labels.sum()), 1)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return Verdict(
        float((called == labels).mean()) if len(labels) else 0.0, precision, recall, f1, pr_auc(scores, labels)
    )


def pr_auc(scores: Scores, labels: Flags) -> float:
    """Return the average precision, records of equal score counted together; 0 when nothing is important."""
    if not labels.any():
        return 0.0
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    found = np.cumsum(labels[order])[last]
    precision = found / (np.flatnonzero(last) + 1)
    return float((precision * np.diff(found, prepend=0)).sum() / labels.sum())


def recall_at(scores: Scores, items: Sequence[NDArray[np.int64]], repeats: NDArray[np.int64], depth: int = 50) -> float:
    """Return the share of cited items of which at least one record is among the `depth` best distinct lines.

    `items` holds the records of each item; lines with the same number in `repeats` (template and file) are shown once,
    by their best, the earliest of equals. An item without any record is not counted.
    """
    shown = _distinct(scores, repeats)
    ranks = [_rank(item, shown) for item in items if len(item)]
    return sum(rank <= depth for rank in ranks) / len(ranks) if ranks else 0.0


def reciprocal_rank(scores: Scores, items: Sequence[NDArray[np.int64]], repeats: NDArray[np.int64]) -> float:
    """Return the mean of 1 / rank (from 1) of the cited items among the distinct lines, counted as in `recall_at`."""
    shown = _distinct(scores, repeats)
    ranks = [_rank(item, shown) for item in items if len(item)]
    return sum(1 / rank for rank in ranks) / len(ranks) if ranks else 0.0


def _distinct(scores: Scores, repeats: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the records in order of their scores, of equal lines only the best."""
    order = np.argsort(-scores, kind="stable")
    _, first = np.unique(repeats[order], return_index=True)
    return order[np.sort(first)]


def _rank(item: NDArray[np.int64], shown: NDArray[np.int64]) -> float:
    """Return the place, from 1, of the first record of an item; infinity when none is shown."""
    places = np.flatnonzero(np.isin(shown, item))
    return float(places[0]) + 1 if len(places) else float("inf")


def reliability(scores: Scores, labels: Flags, bins: int = 10) -> list[tuple[float, float, int]]:
    """Return mean score, share of important records and number of records, for each tenth of the scale that is used."""
    place = np.minimum((scores * bins).astype(int), bins - 1)
    used = [place == number for number in range(bins)]
    return [(float(scores[b].mean()), float(labels[b].mean()), int(b.sum())) for b in used if b.any()]
