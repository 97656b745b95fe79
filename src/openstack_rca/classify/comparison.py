"""Learned scores beside the simple rules, on cases that no model has learned from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from openstack_rca.classify.contract import Classifier
from openstack_rca.classify.measures import judge, recall_at, reliability
from openstack_rca.classify.rules import KEYWORDS, Stump, column, is_error, similarity
from openstack_rca.classify.samples import IMPORTANT, UNKNOWN, Samples

Floats = NDArray[np.float64]
Calls = tuple[Floats, NDArray[np.bool_]]
DEPTH = 50
_WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class HeldCase:
    """A case to judge on: its samples with and without baseline, and what TF-IDF and the evidence need.

    `items` holds the records (by place in the samples) of each cited line; `repeats` numbers template and file.
    """

    id: str
    samples: Samples
    bare: Samples
    messages: Sequence[str]
    issue: str
    items: tuple[NDArray[np.int64], ...]
    repeats: NDArray[np.int64]


def compare(
    classifiers: Mapping[str, Classifier], stump: Stump, known: frozenset[str], fusion: float, cases: Sequence[HeldCase]
) -> dict[str, dict[str, float]]:
    """Return the scores of every method: over all records, over those of templates that training never saw, and recall.

    `known` are the template ids of the training records; `fusion` is the weight of TF-IDF beside the learned score.
    """
    answers = [_answers(classifiers, stump, fusion, case) for case in cases]
    return {name: _measured([a[name] for a in answers], known, cases) for name in answers[0]} if cases else {}


def fusion_weight(classifier: Classifier, cases: Sequence[HeldCase]) -> float:
    """Return the weight of TF-IDF beside the learned score that finds most evidence, the smallest of equals."""
    judged = [(case, classifier.score(case.samples), similarity(case.messages, case.issue)) for case in cases]
    found = [
        sum(recall_at(score + weight * close, case.items, case.repeats, DEPTH) for case, score, close in judged)
        for weight in _WEIGHTS
    ]
    return _WEIGHTS[int(np.argmax(found))]


def curve(classifier: Classifier, cases: Sequence[HeldCase]) -> list[tuple[float, float, int]]:
    """Return the reliability curve of a classifier over the labelled records of some cases."""
    if not cases:
        return []
    labels = np.concatenate([case.samples.labels for case in cases])
    scores = np.concatenate([classifier.score(case.samples) for case in cases])
    return reliability(scores[labels != UNKNOWN], labels[labels != UNKNOWN] == IMPORTANT)


def _answers(classifiers: Mapping[str, Classifier], stump: Stump, fusion: float, case: HeldCase) -> dict[str, Calls]:
    """Return score and call of every method for each record of a case."""
    samples, close = case.samples, similarity(case.messages, case.issue)
    error, words, split = is_error(samples), column(samples, KEYWORDS), stump.score(samples)
    answers: dict[str, Calls] = {}
    for name, classifier in classifiers.items():
        for label, given in ((name, samples), (f"{name}, no baseline", case.bare)):
            assert classifier.artifact
            score = classifier.score(given)
            answers[label] = (score.astype(np.float64), score >= classifier.artifact.thresholds["record"])
    learned, calls = next(iter(answers.values()))
    return {
        **answers,
        "learned and TF-IDF": (learned + fusion * close, calls),
        "TF-IDF": (close, close > 0),
        "level first, then TF-IDF": (column(samples, "level") + 0.999 * close, error),
        "keyword rule": (words, words > 0),
        "depth-1 tree": (split, split > 0.5),
        "majority class": (np.zeros(len(samples)), np.zeros(len(samples), dtype=bool)),
    }


def _measured(calls: Sequence[Calls], known: frozenset[str], cases: Sequence[HeldCase]) -> dict[str, float]:
    labels = np.concatenate([case.samples.labels for case in cases])
    unseen = np.concatenate([~np.isin(case.samples.templates, list(known)) for case in cases])
    scores, called = (np.concatenate([call[part] for call in calls]) for part in (0, 1))
    result: dict[str, float] = {}
    for name, rows in (("", labels != UNKNOWN), ("unseen ", unseen & (labels != UNKNOWN))):
        verdict = judge(scores[rows], called[rows].astype(bool), labels[rows] == IMPORTANT)
        result |= {f"{name}{measure}": value for measure, value in asdict(verdict).items()}
    recalls = [
        recall_at(call[0], case.items, case.repeats, DEPTH)
        for call, case in zip(calls, cases, strict=True)
        if case.items
    ]
    return result | {f"evidence recall@{DEPTH}": float(np.mean(recalls)) if recalls else float("nan")}
