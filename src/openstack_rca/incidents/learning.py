"""What was confirmed before helps to rank what is suspected now, within limits."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from openstack_rca.incidents.incident import Culprit, Fingerprint
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

AS_ALIKE = 0.05
"""Past incidents whose weights differ by less than this are not told apart by likeness: the logs decide."""


def prior(
    causes: Sequence[Cause],
    matches: Sequence[Match],
    now: datetime,
    cite: Callable[[Match], tuple[str, ...]] = lambda match: (),
) -> tuple[Cause, ...]:
    """Return the causes ranked anew by what was confirmed in past incidents like this one; `now` is UTC.

    A cause that was the cause then gains. The most alike incident can also bring back a cause that is not among these,
    with the evidence ids that `cite` gives for it; its confidence is that incident's weight. It comes first only where
    this is more than the logs give to any cause, and where the first of these was seen then, too: logs that are sure,
    or that show what was not there before, are not overruled. Ten incidents alike count as the best, not ten times.
    """
    confirmed = [(match, weight(match, now)) for match in matches if match.incident.confirmed]
    found = [replace(c, confidence=min(1.0, c.confidence * (1.0 + MOST * _support(c, confirmed)))) for c in causes]
    if causes and confirmed and not _is_named(max(found, key=lambda c: c.confidence), confirmed):
        match, strength = max(confirmed, key=lambda item: item[1])
        if match.similarity >= RECALL_FROM and match.incident.culprit:
            found = _with_recalled(causes, found, match, match.incident.culprit, strength, cite)
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


def _is_named(cause: Cause, confirmed: Sequence[tuple[Match, float]]) -> bool:
    """Tell whether a cause was wholly that of one of the most alike incidents: then there is nothing to bring back."""
    most = max(strength for _, strength in confirmed)
    alike = [match for match, strength in confirmed if most - strength < AS_ALIKE]
    return any(_agreement(cause, match.incident.culprit) == 1.0 for match in alike)


def _with_recalled(
    causes: Sequence[Cause],
    found: Sequence[Cause],
    match: Match,
    culprit: Culprit,
    strength: float,
    cite: Callable[[Match], tuple[str, ...]],
) -> list[Cause]:
    """Return what was found with the cause of a past incident: the cause of its component that fits best, or a new one."""
    sure = max(cause.confidence for cause in causes)
    confidence = strength if strength <= sure else max(strength, *(cause.confidence for cause in found))
    there = [at for at, cause in enumerate(found) if cause.component == culprit.component]
    if not there:
        recalled = _recalled(match, culprit, confidence, cite(match))
        first = max(found, key=lambda cause: cause.confidence)
        if _was_seen(first, match.incident.fingerprint):
            return [recalled, *found]
        return [*found, replace(recalled, confidence=min(confidence, first.confidence))]
    at = max(there, key=lambda at: _agreement(found[at], culprit))
    seen = found[at]
    same = _place(seen.code) == culprit.code
    if same or seen.code is None or strength > causes[at].confidence:
        code = seen.code if same else _location(culprit.code) or seen.code
        seen = replace(seen, confidence=max(seen.confidence, confidence), code=code)
    return [seen, *found[:at], *found[at + 1 :]]


def _was_seen(cause: Cause, then: Fingerprint) -> bool:
    """Tell whether the logs of a past incident spoke of what is blamed now: else it is new, and not explained by it."""
    place = _place(cause.code)
    return cause.component in then.services and (place is None or place in then.code)


def _recalled(match: Match, culprit: Culprit, confidence: float, evidence: tuple[str, ...]) -> Cause:
    incident = match.incident
    return Cause(
        rank=0,
        service=culprit.service,
        component=culprit.component,
        host=None,  # where it was then proves nothing about now
        type=culprit.type,
        statement=f"As in the incident {incident.id}: {incident.root_cause}",
        confidence=confidence,
        evidence=evidence,
        remediation=incident.solution,
        code=_location(culprit.code),
    )


def _place(code: CodeLocation | None) -> str | None:
    return f"{code.file}:{code.function or ''}" if code else None


def _location(place: str | None) -> CodeLocation | None:
    file, _, function = (place or "").partition(":")
    return CodeLocation(file, function=function or None) if file else None
