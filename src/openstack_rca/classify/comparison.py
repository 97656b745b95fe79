"""Learned scores beside the simple rules, on cases that no model has learned from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from openstack_rca.classify.contract import Classifier
from openstack_rca.classify.measures import judge as verdict_on
from openstack_rca.classify.measures import pr_auc, recall_at, reliability
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


@dataclass(frozen=True)
class Judge:
    """What was learned from some cases: the models by kind (best first), the stump, and the templates that they know.

    `fusion` is the weight of TF-IDF beside the learned score.
    """

    classifiers: Mapping[str, Classifier]
    stump: Stump
    known: frozenset[str]
    fusion: float


def compare(judged: Sequence[tuple[Judge, HeldCase]]) -> dict[str, dict[str, float]]:
    """Return the measures of every method over some cases, each judged by models that have not learned from it.

    The measures are those of `Verdict` over all records, the same over records of templates unknown to the models
    ("unseen …"), and the mean evidence recall.
    """
    if not judged:
        return {}
    cases = [case for _, case in judged]
    unseen = [~np.isin(case.samples.templates, list(judge.known)) for judge, case in judged]
    answers = [_answers(judge, case) for judge, case in judged]
    return {name: _measured([a[name] for a in answers], unseen, cases) for name in answers[0]}


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


def _answers(judge: Judge, case: HeldCase) -> dict[str, Calls]:
    """Return score and call of every method for each record of a case."""
    samples, close = case.samples, similarity(case.messages, case.issue)
    error, words, split = is_error(samples), column(samples, KEYWORDS), judge.stump.score(samples)
    answers: dict[str, Calls] = {}
    for name, classifier in judge.classifiers.items():
        for label, given in ((name, samples), (f"{name}, no baseline", case.bare)):
            assert classifier.artifact
            score = classifier.score(given)
            answers[label] = (score.astype(np.float64), score >= classifier.artifact.thresholds["record"])
    learned, calls = next(iter(answers.values()))
    return {
        **answers,
        "learned and TF-IDF": (learned + judge.fusion * close, calls),
        "TF-IDF": (close, close > 0),
        "level first, then TF-IDF": (column(samples, "level") + 0.999 * close, error),
        "keyword rule": (words, words > 0),
        "depth-1 tree": (split, split > 0.5),
        "majority class": (np.zeros(len(samples)), np.zeros(len(samples), dtype=bool)),
    }


def _measured(
    calls: Sequence[Calls], unseen_rows: Sequence[NDArray[np.bool_]], cases: Sequence[HeldCase]
) -> dict[str, float]:
    labels, unseen = np.concatenate([case.samples.labels for case in cases]), np.concatenate(unseen_rows)
    scores, called = (np.concatenate([call[part] for call in calls]) for part in (0, 1))
    result: dict[str, float] = {}
    for name, rows in (("", labels != UNKNOWN), ("unseen ", unseen & (labels != UNKNOWN))):
        verdict = verdict_on(scores[rows], called[rows].astype(bool), labels[rows] == IMPORTANT)
        result |= {f"{name}{measure}": value for measure, value in asdict(verdict).items()}
    each = [
        pr_auc(
            call[0][case.samples.labels != UNKNOWN], case.samples.labels[case.samples.labels != UNKNOWN] == IMPORTANT
        )
        for call, case in zip(calls, cases, strict=True)
    ]
    recalls = [
        recall_at(call[0], case.items, case.repeats, DEPTH)
        for call, case in zip(calls, cases, strict=True)
        if case.items
    ]
    result["pr_auc a case"] = float(np.mean(each))
    return result | {f"evidence recall@{DEPTH}": float(np.mean(recalls)) if recalls else float("nan")}
