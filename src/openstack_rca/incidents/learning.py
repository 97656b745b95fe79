"""What was confirmed before helps to rank what is suspected now, within limits."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from openstack_rca.incidents.incident import Culprit
from openstack_rca.incidents.memory import Match
from openstack_rca.records import Cause, CodeLocation

HALF_LIFE_DAYS = 180.0
"""After so many days a confirmed incident counts half: clouds change, and so do their faults."""

MOST = 0.5
"""The most that the past adds to a confidence, as a share of it: of two causes, one that the logs hold more than 1.5
times as likely stays first, however often the other one was right."""

RECALL_FROM = 0.75
"""Logs that look this much like a confirmed incident bring back its cause even where they do not name it themselves.
Below, incidents of other faults begin to look alike (`./scripts/bench history`)."""


def prior(
    causes: Sequence[Cause],
    matches: Sequence[Match],
    now: datetime,
    cite: Callable[[Match], tuple[str, ...]] = lambda match: (),
) -> tuple[Cause, ...]:
    """Return the causes ranked anew by what was confirmed in past incidents like this one; `now` is UTC.

    A cause that was the cause then gains. The most alike incident can also bring back a cause that is not among these,
    with the evidence ids that `cite` gives for it. Ten incidents alike count as the best of them, not ten times.
    """
    confirmed = [(match, weight(match, now)) for match in matches if match.incident.confirmed]
    found = [replace(c, confidence=min(1.0, c.confidence * (1.0 + MOST * _support(c, confirmed)))) for c in causes]
    if causes and confirmed:
        match, strength = max(confirmed, key=lambda item: item[1])
        if match.similarity >= RECALL_FROM and match.incident.culprit:
            confidence = min(1.0, causes[0].confidence * (1.0 + MOST) * strength)
            found = _recalled(found, match, match.incident.culprit, confidence, cite)
    ranked = sorted(found, key=lambda c: -c.confidence)
    return tuple(replace(cause, rank=rank) for rank, cause in enumerate(ranked, 1))


def weight(match: Match, now: datetime) -> float:
    """Return what a past incident counts for, 0 to 1: the more alike and the younger, the more."""
    days = max(0.0, (now - match.incident.created_at).total_seconds() / 86_400)
    return float(match.similarity * 0.5 ** (days / HALF_LIFE_DAYS))


def _support(cause: Cause, confirmed: Sequence[tuple[Match, float]]) -> float:
    """Return how far past incidents speak for a cause, 0 to 1."""
    return max((_agreement(cause, match.incident.culprit) * strength for match, strength in confirmed), default=0.0)


def _agreement(cause: Cause, culprit: Culprit | None) -> float:
    """Return the share of component, type and (if known) code that is the same; 0 for another service."""
    if culprit is None or culprit.service != cause.service:
        return 0.0
    same = [culprit.component == cause.component, culprit.type == cause.type]
    if culprit.code:
        same.append(culprit.code == _place(cause.code))
    return sum(same) / len(same)


def _recalled(
    causes: Sequence[Cause],
    match: Match,
    culprit: Culprit,
    confidence: float,
    cite: Callable[[Match], tuple[str, ...]],
) -> list[Cause]:
    """Return the causes with the one of a past incident: the one of the same component, or a further one."""
    code = _location(culprit.code)
    for at, cause in enumerate(causes):
        if cause.component == culprit.component:
            seen = replace(cause, confidence=max(cause.confidence, confidence), code=code or cause.code)
            return [*causes[:at], seen, *causes[at + 1 :]]
    incident = match.incident
    recalled = Cause(
        rank=0,
        service=culprit.service,
        component=culprit.component,
        host=None,  # where it was then proves nothing about now
        type=culprit.type,
        statement=f"As in the incident {incident.id}: {incident.root_cause}",
        confidence=confidence,
        evidence=cite(match),
        remediation=incident.solution,
        code=code,
    )
    return [*causes, recalled]


def _place(code: CodeLocation | None) -> str | None:
    return f"{code.file}:{code.function or ''}" if code else None


def _location(place: str | None) -> CodeLocation | None:
    file, _, function = (place or "").partition(":")
    return CodeLocation(file, function=function or None) if file else None
