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

SUREST = 0.97
"""Nothing is certain, however often it was so before."""

RECALL_FROM = 0.75
"""Logs that look this much like a confirmed incident bring back its cause even where they do not name it themselves.
Below, incidents of other faults begin to look alike (`./scripts/bench history`)."""

AS_ALIKE = 0.05
"""Past incidents whose weights differ by less than this are not told apart by likeness: the logs decide, or how often
each cause was confirmed."""

_Weighed = tuple[Match, float]


def prior(
    causes: Sequence[Cause],
    matches: Sequence[Match],
    now: datetime,
    cite: Callable[[Match], tuple[str, ...]] = lambda match: (),
) -> tuple[Cause, ...]:
    """Return the causes ranked anew by what was confirmed in past incidents like this one; `now` is UTC.

    A cause that was the cause then gains. The most alike incident can also bring back a cause that is not among these,
    with the evidence ids that `cite` gives for it. It comes first only where it is not too long ago and where the logs
    of then blamed first what they blame now: that was wrong then. What they blame now and did not blame then is new, and
    not overruled. How often a cause was confirmed only decides among incidents about equally alike: else ten count as one.
    """
    known = (match for match in matches if match.incident.confirmed and match.incident.culprit)
    confirmed = [(match, weight(match, now)) for match in known]
    found = [replace(c, confidence=_raised(c, _support(c, confirmed))) for c in causes]
    if causes and (alike := _most_alike(confirmed)):
        first = max(found, key=lambda cause: cause.confidence)
        if not any(_agreement(first, match.incident.culprit) == 1.0 for match, _ in alike):
            match, strength = _most_often(alike)
            if match.similarity >= RECALL_FROM and match.incident.culprit:
                found = _with_recalled(found, match, match.incident.culprit, strength, cite)
    ranked = sorted(found, key=lambda c: -c.confidence)
    return tuple(replace(cause, rank=rank) for rank, cause in enumerate(ranked, 1))


def weight(match: Match, now: datetime) -> float:
    """Return what a past incident counts for, 0 to 1: the more alike and the younger, the more."""
    days = max(0.0, (now - match.incident.created_at).total_seconds() / 86_400)
    return float(match.similarity * 0.5 ** (days / HALF_LIFE_DAYS))


def _raised(cause: Cause, support: float) -> float:
    return max(cause.confidence, min(SUREST, cause.confidence * (1.0 + MOST * support)))


def _support(cause: Cause, confirmed: Sequence[_Weighed]) -> float:
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


def _most_alike(confirmed: Sequence[_Weighed]) -> list[_Weighed]:
    """Return the incidents that count most, with those that count about as much, best first."""
    ranked = sorted(confirmed, key=lambda item: -item[1])
    return [item for item in ranked if ranked[0][1] - item[1] < AS_ALIKE]


def _most_often(alike: Sequence[_Weighed]) -> _Weighed:
    """Return the best of the incidents whose culprit counts most in sum; where it was then plays no part."""
    votes: dict[Culprit | None, float] = {}
    for match, strength in alike:
        votes[_anywhere(match)] = votes.get(_anywhere(match), 0.0) + strength
    most = max(votes, key=lambda culprit: votes[culprit])
    return next(item for item in alike if _anywhere(item[0]) == most)


def _anywhere(match: Match) -> Culprit | None:
    culprit = match.incident.culprit
    return replace(culprit, host=None) if culprit else None


def _with_recalled(
    found: Sequence[Cause],
    match: Match,
    culprit: Culprit,
    strength: float,
    cite: Callable[[Match], tuple[str, ...]],
) -> list[Cause]:
    """Return what was found with the cause of a past incident: the cause of its component that fits best, or a new one.

    Its place in the list counts where confidences are equal.
    """
    first = max(found, key=lambda cause: cause.confidence)
    wrong = strength * (1.0 + MOST) >= RECALL_FROM and _was_blamed(first, match.incident.fingerprint)
    confidence = max(strength, first.confidence) if wrong else min(strength, first.confidence)
    there = [at for at, cause in enumerate(found) if cause.component == culprit.component]
    if not there:
        recalled = _recalled(match, culprit, confidence, cite(match))
        return [recalled, *found] if wrong else [*found, recalled]
    at = max(there, key=lambda at: _agreement(found[at], culprit))
    seen = found[at]
    same = _place(seen.code) == culprit.code
    if not (wrong or same or seen.code is None):
        return list(found)
    code = seen.code if same else _location(culprit.code) or seen.code
    seen = replace(seen, confidence=max(seen.confidence, confidence), code=code)
    before, after = found[:at], found[at + 1 :]
    return [seen, *before, *after] if wrong else [*before, seen, *after]


def _was_blamed(cause: Cause, then: Fingerprint) -> bool:
    """Tell whether the logs of a past incident blamed first what is blamed now, in the same place where one is known."""
    place = _place(cause.code)
    return then.services[:1] == (cause.component,) and (place is None or place in then.code)


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
