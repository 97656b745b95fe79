"""Scores of hypotheses -> confidences that mean something: how often a cause that stood out like this was the right one."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from openstack_rca.records import Clue, ClueKind, Hypothesis, Question

_FLOOR, _CEILING = 0.02, 0.97
_SLOPE, _MARGIN, _DEFECT, _OFFSET, _LAPSE = 0.72, 3.93, 1.73, -0.12, 0.093
"""Logistic regression (Platt scaling with two more terms) with a lapse, the share in which even the clearest is wrong.

Fitted by `./scripts/bench confidence` on incidents as they were judged when they had just been recorded, on fault injections
of the development part and on healthy logs: what rules were made for since tells nothing about the next incident.
"""
_TRACED: frozenset[ClueKind] = frozenset({"traceback", "answer"})
"""The kinds of clue that a traceback gives."""
REFUSAL = 0.35
"""Exceptions by which a program refuses what it was asked weigh no more (knowledge/exceptions.yaml; 0.3, more when near)."""
_NO_FAILURE_BY_ITSELF: frozenset[ClueKind] = frozenset({"addressed", "change", "silence", "size", "restart"})
"""Kinds of clue that come in health too."""
_PLAIN, _CLEAR = 0.5, 0.7
"""From these weights on a symptom alone tells of a failure, and a clue names a mechanism or a place in the code."""
_ONLY_LEADS = 0.6
"""What the lead of a cause is worth that rests on clues alone which name no failure."""
_ONLY_ASKED, _ONLY_UNUSUAL = 0.2, 0.4
"""The most that the confidence can be where nothing is known but what was asked about, and where nothing names a failure."""
_MOMENT = timedelta(seconds=5)
NEGLIGIBLE = 0.05
"""A hypothesis or a clue of no more strength than this is not told."""
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


def standing(hypotheses: Sequence[Hypothesis]) -> list[float]:
    """Return how far each hypothesis stands out, less where nothing names a failure, or only refusals do; 0 to 1."""
    worth = [1.0 if is_accused(h) and not _only_refused(h) else _ONLY_LEADS for h in hypotheses]
    return [lead * w for lead, w in zip(leads(hypotheses), worth, strict=True)]


def confidences(hypotheses: Sequence[Hypothesis]) -> list[float]:
    """Return the confidence of each hypothesis, 0 to 1; none has more than one before it, nor than these leave of certainty."""
    found: list[float] = []
    for h, lead, margin in zip(hypotheses, standing(hypotheses), margins(hypotheses), strict=True):
        most = _ONLY_ASKED if is_only_asked(h) else 1.0 if is_accused(h) else _ONLY_UNUSUAL
        confidence = min(calibrated(lead, margin, is_defect(h)), most, 1 - sum(found), *found[-1:])
        found.append(max(0.0, round(confidence, 3)))
    return found


def is_only_asked(hypothesis: Hypothesis) -> bool:
    """Say whether nothing more is known of a component than that the issue is about it."""
    return {c.kind for c in hypothesis.clues if c.role != "context"} == {"addressed"}


def is_accused(hypothesis: Hypothesis) -> bool:
    """Say whether something names a failure: change, silence, refused calls and most symptoms alone also happen in health."""
    return bool(_accusing(hypothesis)) or any(
        c.role == "symptom" and c.kind == "signature" and c.weight >= _PLAIN for c in hypothesis.clues
    )


def is_vague(hypothesis: Hypothesis) -> bool:
    """Say whether nothing but symptoms is told, or all that accuses are exceptions that name no clear fault and came at one
    moment, or that tell of a refusal whenever they came: healthy clouds have such.
    """
    accusing = _accusing(hypothesis)
    at_once = all(c.kind in ("traceback", "error") and c.weight < _CLEAR and _is_of_one_moment(c) for c in accusing)
    return at_once or _only_refused(hypothesis)


def _only_refused(hypothesis: Hypothesis) -> bool:
    """Say whether all that accuses are exceptions by which a program refuses what it was asked (not found, in use)."""
    accusing = _accusing(hypothesis)
    return bool(accusing) and all(c.kind in ("traceback", "error") and c.weight <= REFUSAL for c in accusing)


def _accusing(hypothesis: Hypothesis) -> list[Clue]:
    return [
        c for c in hypothesis.clues
        if c.role == "cause" and c.weight > NEGLIGIBLE and c.kind not in _NO_FAILURE_BY_ITSELF
    ]  # fmt: skip


def _is_of_one_moment(clue: Clue) -> bool:
    """Say whether something came once, or was tried again and again within a moment."""
    return clue.count == 1 or bool(clue.first and clue.last and clue.last - clue.first <= _MOMENT)


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
