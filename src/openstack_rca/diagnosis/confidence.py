"""Scores of hypotheses -> confidences that mean something: how often a cause that stood out like this was the right one."""

import math
import re
from collections.abc import Mapping, Sequence

from openstack_rca.records import Hypothesis, Question

_FLOOR, _CEILING = 0.02, 0.97
_SLOPE, _MARGIN, _DEFECT, _OFFSET, _LAPSE = 0.72, 3.93, 1.73, -0.12, 0.093
"""Logistic regression (Platt scaling with two more terms) with a lapse, the share in which even the clearest is wrong.

Fitted by `./scripts/bench confidence` on incidents as they were judged when they had just been recorded, on fault injections
of the development part and on healthy logs: what rules were made for since tells nothing about the next incident.
"""
_TRACED = frozenset({"traceback", "answer"})
"""The kinds of clue that a traceback gives."""
REFUSAL = 0.35
"""Exceptions by which a program refuses what it was asked weigh no more (knowledge/exceptions.yaml; 0.3, more when near)."""
_RIVALS = 5
"""So many of the hypotheses have a say in whether another one accounts for more."""
_FAILS = re.compile(
    r"(?i)\b(?:fail(?:s|ed|ing|ures?)?|errors?|broken|slow\w*|down|crash\w*|h[au]ngs?|stuck|time-?outs?|outages?|unre\w+)\b"
)
_MORE_LIKELY_THAN_NOT = 0.5


def leads(hypotheses: Sequence[Hypothesis]) -> list[float]:
    """Return how far each hypothesis stands out: its strength, shared with what competes with it.

    A hypothesis that has no rival keeps its score; equals share it.
    """
    total = sum(h.score**2 for h in hypotheses)
    return [min(_CEILING, max(_FLOOR, h.score * (h.score**2 / total) ** 0.5)) if total else _FLOOR for h in hypotheses]


def margins(hypotheses: Sequence[Hypothesis]) -> list[float]:
    """Return by how much more of what is new each hypothesis accounts for than any rival does, from -1 to 1.

    What it explains itself is no rival of it, nor what that explains in turn.
    """
    rivals = hypotheses[: _RIVALS + 1]
    culprits = {r.component: r.explained_by for r in rivals}
    return [
        h.coverage - max((r.coverage for r in rivals if h.component not in _chain(r, culprits)), default=0.0)
        for h in hypotheses
    ]


def _chain(hypothesis: Hypothesis, culprits: Mapping[str, str | None]) -> set[str]:
    """Return a component, what explains its failure, what explains that, and so on."""
    found, last = {hypothesis.component}, hypothesis.explained_by
    while last is not None and last not in found:
        found.add(last)
        last = culprits.get(last)
    return found


def is_defect(hypothesis: Hypothesis) -> bool:
    """Say whether a hypothesis is a defect of a program that a traceback shows; a refusal (not found, in use) is none."""
    return hypothesis.type == "bug" and any(
        c.kind in _TRACED and c.role != "context" and c.weight > REFUSAL for c in hypothesis.clues
    )


def calibrated(lead: float, margin: float, defect: bool) -> float:
    """Return the probability (0 to 1) that a cause with a lead (0 to 1) and a margin (-1 to 1) is the right one.

    A defect of a program shows where it is; other failures are often told by those who suffer from them.
    """
    odds = _SLOPE * math.log(lead / (1 - lead)) + _MARGIN * margin + _DEFECT * defect + _OFFSET
    return (1 - _LAPSE) / (1 + math.exp(-odds))


def needed(question: Question, least: float) -> float:
    """Return the confidence below which nothing is concluded: `least`, more when the question names nothing that fails."""
    return least if is_about_something(question) else max(least, _MORE_LIKELY_THAN_NOT)


def is_about_something(question: Question) -> bool:
    """Say whether a question names what fails, or says that something does; "Is anything wrong?" does neither."""
    return bool(_FAILS.search(question.text)) or any(
        (question.components, question.request_ids, question.uuids, question.hosts, question.statuses, question.times)
    )
