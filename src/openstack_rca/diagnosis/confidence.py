"""Scores of hypotheses -> confidences that mean something: how often a cause that stood out like this was the right one."""

import math
from collections.abc import Sequence

from openstack_rca.records import Hypothesis, Question

_FLOOR, _CEILING = 0.02, 0.97
_SLOPE, _OFFSET, _LAPSE = 2.0, 2.0, 0.15
"""Platt scaling, fitted on development cases and healthy logs by `./scripts/bench confidence`, with a lapse rate.

The lapse is not fitted, since development cases are known: of fault injections 3 of 42 leave no trace of their fault, and of
the second lab's incidents that the code had never seen 14 of 52 confident answers were wrong (docs/evaluation.md).
"""
_MORE_LIKELY_THAN_NOT = 0.5


def leads(hypotheses: Sequence[Hypothesis]) -> list[float]:
    """Return how far each hypothesis stands out: its strength, shared with what competes with it.

    A hypothesis that has no rival keeps its score; equals share it.
    """
    total = sum(h.score**2 for h in hypotheses)
    return [min(_CEILING, max(_FLOOR, h.score * (h.score**2 / total) ** 0.5)) if total else _FLOOR for h in hypotheses]


def calibrated(lead: float) -> float:
    """Return the probability that belongs to a lead, both 0 to 1."""
    odds = _SLOPE * math.log(lead / (1 - lead)) + _OFFSET
    return (1 - _LAPSE) / (1 + math.exp(-odds))


def needed(question: Question, least: float) -> float:
    """Return the confidence below which nothing is concluded: `least`, more when the question names nothing that fails."""
    return least if is_about_something(question) else max(least, _MORE_LIKELY_THAN_NOT)


def is_about_something(question: Question) -> bool:
    """Say whether a question names what fails; "Is anything wrong?" does not."""
    return any(
        (question.components, question.request_ids, question.uuids, question.hosts, question.statuses, question.times)
    )
