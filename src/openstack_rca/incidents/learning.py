"""What was confirmed before helps to rank what is suspected now, within limits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from openstack_rca.incidents.incident import Culprit
from openstack_rca.incidents.memory import Match
from openstack_rca.records import Hypothesis

HALF_LIFE_DAYS = 90.0
"""After so many days a confirmed incident counts half: clouds change, and so do their faults."""

MOST = 0.5
"""The most that the past adds to a score, as a share of it: it decides between causes that the logs hold about equally
likely, and cannot lift one over another that they hold more than 1.5 times as likely. So no habit hides a new fault."""


def prior(hypotheses: Sequence[Hypothesis], matches: Sequence[Match], now: datetime) -> list[Hypothesis]:
    """Return the hypotheses with scores raised where a confirmed incident like this one had the same cause, best first.

    Ten incidents alike count as the closest and youngest of them, not ten times.
    """
    raised = [replace(h, score=min(1.0, h.score * (1.0 + MOST * _support(h, matches, now)))) for h in hypotheses]
    return sorted(raised, key=lambda h: -h.score)


def _support(hypothesis: Hypothesis, matches: Sequence[Match], now: datetime) -> float:
    """Return how far past incidents speak for a hypothesis, 0 to 1."""
    return max(
        (_agreement(hypothesis, m.incident.culprit) * m.similarity * _weight(m, now) for m in matches), default=0.0
    )


def _agreement(hypothesis: Hypothesis, culprit: Culprit | None) -> float:
    """Return 1 for the same component and type, a half where only one of both is the same, 0 for another service."""
    if culprit is None or culprit.service != hypothesis.service:
        return 0.0
    return 0.5 * (culprit.component == hypothesis.component) + 0.5 * (culprit.type == hypothesis.type)


def _weight(match: Match, now: datetime) -> float:
    incident = match.incident
    if not incident.confirmed or incident.resolved_at is None:
        return 0.0
    days = max(0.0, (now - incident.created_at).total_seconds() / 86_400)
    return float(0.5 ** (days / HALF_LIFE_DAYS))
