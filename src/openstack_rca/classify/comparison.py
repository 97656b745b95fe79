"""Learned scores beside the simple rules, on cases that no model has learned from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from openstack_rca.classify.contract import Classifier
from openstack_rca.classify.measures import judge as verdict_on
from openstack_rca.classify.measures import recall_at, reciprocal_rank, reliability
from openstack_rca.classify.rules import KEYWORDS, Stump, column, is_error, similarity
from openstack_rca.classify.samples import IMPORTANT, UNKNOWN, Samples

Floats = NDArray[np.float64]
Calls = tuple[Floats, NDArray[np.bool_]]
_DEPTHS = (20, 50)


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

    `fusion` is the weight of TF-IDF beside the learned score where both are used together.
    """

    classifiers: Mapping[str, Classifier]
    stump: Stump
    known: frozenset[str]
    fusion: float


def compare(judged: Sequence[tuple[Judge, HeldCase]]) -> dict[str, dict[str, float]]:
    """Return the measures of every method over some cases, each judged by models that have not learned from it.

    The measures are those of `Verdict` over all records, the same over records of templates unknown to the models
    ("unseen …"), means of cases ("… a case"), and how well evidence is found.
    """
    if not judged:
        return {}
    cases = [case for _, case in judged]
    unseen = [~np.isin(case.samples.templates, list(judge.known)) for judge, case in judged]
    answers = [_answers(judge, case) for judge, case in judged]
    return {name: _measured([a[name] for a in answers], unseen, cases) for name in answers[0]}


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
    return result | _means_of_cases(calls, cases) | _evidence([call[0] for call in calls], cases)


def _means_of_cases(calls: Sequence[Calls], cases: Sequence[HeldCase]) -> dict[str, float]:
    """Return the measures that give every case the same say, however many important records it has."""
    verdicts = []
    for (scores, called), case in zip(calls, cases, strict=True):
        rows = case.samples.labels != UNKNOWN
        verdicts.append(verdict_on(scores[rows], called[rows].astype(bool), case.samples.labels[rows] == IMPORTANT))
    return {
        "f1 a case": float(np.mean([v.f1 for v in verdicts])),
        "pr_auc a case": float(np.mean([v.pr_auc for v in verdicts])),
    }


def _evidence(scores: Sequence[Floats], cases: Sequence[HeldCase]) -> dict[str, float]:
    """Return how much of the cited evidence is found, as a mean of cases; NaN when no case cites any."""
    judged = [(score, case) for score, case in zip(scores, cases, strict=True) if case.items]
    found = {
        f"evidence recall@{depth}": [recall_at(score, case.items, case.repeats, depth) for score, case in judged]
        for depth in _DEPTHS
    }
    found["evidence MRR"] = [reciprocal_rank(score, case.items, case.repeats) for score, case in judged]
    return {name: float(np.mean(values)) if values else float("nan") for name, values in found.items()}
