"""Clues -> ranked hypotheses: evidence adds up, the callee's failure explains the caller's, symptoms never win.

How a component gets its score, step by step in `hypothesize` and `_hypothesis`:

1. Clues of equal kind, key and host are made one (`merge`).
2. What a clue weighs: its own weight, times how close it is to the question (`closeness`), times the credit that the accusation by
   another one deserves (`presence`).
3. As evidence a symptom or context counts less than a cause; what speaks against one component adds up (`_against`, `_noisy_or`).
4. A dependency that fails as well explains part of it (`_explanation`), and clues that show it to be a victim excuse part of it
   (`_excuse`): what is left of each clue (`_unexplained`) adds up to the score. Infrastructure comes a little before services.

docs/decisions/0010-diagnosis.md has the sources of the rules.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import zip_longest

from openstack_rca.contracts import Topology
from openstack_rca.diagnosis.closeness import Closeness
from openstack_rca.diagnosis.confidence import REFUSAL
from openstack_rca.diagnosis.presence import NOTICED, Presence, credit
from openstack_rca.records import LONGEST_TIMER, Clue, ClueKind, CodeLocation, Hypothesis, Question

_REPEAT = 0.55
"""How much each further clue against the same component counts against the one before: loud is not guilty."""
_AS_EVIDENCE = {"cause": 1.0, "symptom": 0.45, "context": 0.6}
"""What a clue counts, by its role, as evidence that the component itself is at fault; context (a restart, a configuration change)
only beside what accuses, for alone it accuses nobody."""
_AS_VOTE = {**_AS_EVIDENCE, "context": 0.2}
"""What it counts when the type of a cause is decided."""
_EXPLAINED = 0.65
"""Share of a caller's unspecific clues that a failing dependency takes over; `_EXPLAINED_SPECIFIC` of the specific ones."""
_EXPLAINED_SPECIFIC = 0.3
_FURTHER_OFF = 0.7
"""What the failure of a dependency of a dependency explains against that of one that is called directly."""
_EXCUSED = 0.5
"""The share of a clue that is taken back when what it tells is wholly excused."""
_EXPLAINS = 0.5
"""From which strength on a dependency's failure is told as the explanation."""
_ANYTHING, _SUREST = 0.02, 0.97
"""From which weight on a clue puts a component under suspicion, and the most that one clue proves."""
_AS_MUCH = 0.6
"""From which share of what is said of one host on another one is as much to blame."""
_MOST_RECORDS = 10
_SPECIFIC = 0.55
"""A clue from this weight on names a mechanism of its own."""
_COUNTED, _REFUSED = frozenset({"quota", "misconfiguration"}), frozenset({400, 403, 409, 413})
"""Types of what a program finds by itself, whatever else fails, and the statuses by which it says so."""
_ONLY_THAT = frozenset({"service-down", "dependency-unreachable", "timeout", "network", "bug"})
"""Types which say that a program does not work, and not why."""
_OWN_WORD = 0.8
"""From which weight on what a program says of itself ("shut down") stands beside the reasons that others name."""
_TOO_LATE = 0.5
"""How much less a dependency explains whose own failure shows a timer later than what it is to explain."""
_WITHOUT_REASON = 0.5
"""What a clue counts when the type of a cause is decided that names no reason for it."""
_REASONLESS: frozenset[ClueKind] = frozenset({"http", "call", "change"})
"""Kinds of clue that only say that a call was refused, that one was made, or that lines are new."""
_ONE_TIMER = timedelta(seconds=60)
"""The most usual timer between a failure and what follows from it (rpc_response_timeout)."""
_MANY = 4
"""So many others are not at fault all at once."""
_HOST = "host"
"""The family of what is felt on its own host only: a disk, the memory, a cable."""
_INFRASTRUCTURE_BONUS, _MOST = 1.05, 0.99
"""What a cause in the infrastructure is worth more, and the most that any hypothesis scores."""


@dataclass(frozen=True)
class Weighed:
    """A clue with its weight after the question and the other clues have been heard."""

    clue: Clue
    weight: float
    is_counted: bool = False
    """It tells what its component found by itself where the issue is about such a refusal."""

    @property
    def evidence(self) -> float:
        """What it counts as evidence against the component that it is about."""
        return self.weight * _AS_EVIDENCE[self.clue.role]


def hypothesize(
    clues: Sequence[Clue], topology: Topology, question: Question, presence: Presence | None = None
) -> list[Hypothesis]:
    """Return one hypothesis for each component under suspicion, or for each of its hosts where these have different faults,
    best first; `presence` tells who wrote when.

    Scores end at .99; of those that reach it infrastructure comes first, then the one against which more is said.
    """
    merged = merge(clues)
    closeness = Closeness.to(question, merged, topology)
    weighed = [
        Weighed(c, c.weight * closeness.of(c) * credit(c, merged, topology, presence), _is_counted(c, question))
        for c in merged
    ]
    suspects = sorted({w.clue.component for w in weighed if w.clue.role == "cause" and w.weight > _ANYTHING})
    suspects += sorted({w.clue.component for w in weighed if w.clue.role == "symptom"} - set(suspects))
    scores = {s: _noisy_or(_against(weighed, s)) for s in suspects}
    found = [
        _hypothesis(s, own, weighed, scores, topology)
        for s in suspects
        for own in _by_fault([w for w in weighed if w.clue.component == s], topology)
    ]
    return sorted(
        found,
        key=lambda h: (
            -h.score,
            not topology.is_infrastructure(h.component),
            -sum(c.weight for c in h.clues if c.role == "cause"),
            h.component,
        ),
    )


def merge(clues: Iterable[Clue]) -> list[Clue]:
    """Return the clues with those of equal kind, key and host made one."""
    groups: dict[tuple[str, str, str | None], list[Clue]] = defaultdict(list)
    for clue in clues:
        groups[clue.kind, clue.key, clue.host].append(clue)
    return [_merged(same) for same in groups.values()]


def _merged(same: list[Clue]) -> Clue:
    best = max(same, key=lambda c: c.weight)
    firsts = [c.first for c in same if c.first]
    lasts = [c.last for c in same if c.last]
    records = tuple(dict.fromkeys(r for c in sorted(same, key=lambda c: -c.weight) for r in c.records))
    return replace(
        best,
        count=sum(c.count for c in same),
        records=records[:_MOST_RECORDS],
        first=min(firsts, default=None),
        last=max(lasts, default=None),
    )


def _against(weighed: Sequence[Weighed], component: str) -> list[float]:
    """Return the weights that speak against a component; context counts no more than what accuses."""
    own = [w for w in weighed if w.clue.component == component]
    accusing = [w.evidence for w in own if w.clue.role != "context"]
    most = _noisy_or(accusing)
    return accusing + [min(w.evidence, most) for w in own if w.clue.role == "context"]


def _noisy_or(weights: Sequence[float]) -> float:
    """Return how much weights convince together (0 to 1): each proves something of its own, but less the more there are."""
    remaining = 1.0
    for i, weight in enumerate(sorted(weights, reverse=True)):
        remaining *= 1 - min(_SUREST, weight) * _REPEAT**i
    return 1 - remaining


def _by_fault(own: Sequence[Weighed], topology: Topology) -> list[list[Weighed]]:
    """Return what is said of a component together, or apart for its hosts when each of them has mechanisms of other types."""
    types: dict[str, set[str]] = defaultdict(set)
    for w in own:
        if (
            w.clue.host
            and w.clue.role == "cause"
            and w.clue.weight >= _SPECIFIC
            and topology.is_per_host(w.clue.component)
        ):
            types[w.clue.host].add(w.clue.type)
    share_a_type = sum(map(len, types.values())) > len(set().union(*types.values()))
    if len(types) < 2 or share_a_type:
        return [list(own)]
    return [[w for w in own if w.clue.host in (None, host)] for host in sorted(types)]


def _hypothesis(
    component: str,
    own: Sequence[Weighed],
    weighed: Sequence[Weighed],
    scores: dict[str, float],
    topology: Topology,
) -> Hypothesis:
    """Return the hypothesis about a component that its `own` clues make; `scores` are those of all suspects, before anything is
    explained.
    """
    culprit, strength = _explanation(component, weighed, scores, topology)
    excused = _excuse(component, weighed)
    left = [replace(w, weight=w.weight * _unexplained(w, strength, excused)) for w in own]
    bonus = _INFRASTRUCTURE_BONUS if topology.is_infrastructure(component) else 1.0
    score = min(_MOST, _noisy_or(_against(left, component)) * bonus)
    kind = _type(own)
    ordered = sorted(own, key=lambda w: (w.clue.role == "context", -w.weight))
    host = _host([w for w in own if w.clue.type == kind and w.clue.host] or own)
    causes = [w for w in ordered if w.clue.type == kind and w.clue.role == "cause"]
    leading = next((w for w in causes if host in (None, w.clue.host)), next(iter(causes), ordered[0]))
    is_explained = _unexplained(leading, strength, excused) < 1
    return Hypothesis(
        component=component,
        service=topology.family(component),
        host=host,
        type=kind,
        score=score,
        clues=(leading.clue, *(w.clue for w in ordered if w is not leading)),
        explained_by=culprit
        if is_explained and strength > _EXPLAINS and score < scores.get(culprit or "", 0.0)
        else None,
        code=_code(own),
    )


def _is_counted(clue: Clue, question: Question) -> bool:
    """Say whether a clue is what a program counted or checked itself, and the issue names the status of such a refusal."""
    refused = not _REFUSED.isdisjoint(question.statuses)
    return refused and clue.type in _COUNTED and clue.kind == "signature" and clue.reporter == clue.component


def _explanation(
    component: str, weighed: Sequence[Weighed], scores: dict[str, float], topology: Topology
) -> tuple[str | None, float]:
    """Return the dependency whose failure best explains that of a component, and how strongly (0 to 1)."""
    best: tuple[str | None, float] = (None, 0.0)
    hosts = {w.clue.host for w in weighed if w.clue.component == component} - {None}
    began = min((w.clue.first for w in weighed if w.clue.component == component and w.clue.first), default=None)
    for other, score in scores.items():
        steps = topology.depends(component, other)
        back = topology.depends(other, component)
        if steps is None or (back is not None and back <= steps):
            continue
        felt = [w for w in weighed if w.clue.component == other]
        if topology.is_local(other) or topology.family(other) == _HOST:
            felt = [w for w in felt if not hosts or w.clue.host in (None, *hosts)]
            score = _noisy_or(_against(felt, other))
        since = min((w.clue.first for w in felt if w.clue.first and w.clue.role == "cause"), default=None)
        if began and since and since > began + LONGEST_TIMER:
            continue
        strength = score * (1.0 if steps == 1 else _FURTHER_OFF)
        if began and since:
            strength *= 1 - _TOO_LATE * _lateness(since, began)
        if strength > best[1]:
            best = (other, strength)
    return best


def _lateness(moment: datetime, began: datetime) -> float:
    """Return how late a moment is after another, from 0 for earlier ones to 1 for a timer later."""
    return min(1.0, max(0.0, (moment - began) / _ONE_TIMER))


def _excuse(component: str, weighed: Sequence[Weighed]) -> float:
    """Return how strongly a component is excused (0 to 1), by itself only while it blames few: who loses many lost itself."""
    excuses = [w for w in weighed if w.clue.exculpates == component]
    blamed = {w.clue.component for w in excuses if w.clue.reporter == component and w.weight >= NOTICED}
    return _noisy_or([w.weight for w in excuses if w.clue.reporter != component or len(blamed) < _MANY])


def _unexplained(w: Weighed, strength: float, excused: float) -> float:
    """Return the share of a clue that the failure of a dependency leaves unexplained.

    Nothing of a programming error is explained: a dependency that fails gives an error, not a value of the wrong kind. Nor is
    what a program counts or checks itself where that is asked about: no failure elsewhere fills a quota.
    """
    if w.clue.code and w.clue.kind == "traceback" and w.clue.type == "bug":
        return 1.0
    if w.is_counted and w.evidence >= _SPECIFIC:
        return 1.0
    if w.evidence >= _SPECIFIC:
        accused_by_others = w.clue.reporter != w.clue.component
        return (1 - _EXPLAINED_SPECIFIC * strength) * (1 - (_EXCUSED * excused if accused_by_others else 0.0))
    return (1 - _EXPLAINED * strength) * (1 - _EXCUSED * excused)


def _type(own: Sequence[Weighed]) -> str:
    """Return the type of a cause: of the strongest clues, of those that name a reason or come from itself where there are any."""
    votes: dict[str, list[float]] = defaultdict(list)
    for w in own:
        factor = _AS_VOTE[w.clue.role] * (_WITHOUT_REASON if _names_no_reason(w.clue) else 1.0)
        accused_by_others = w.clue.reporter != w.clue.component
        kind = "service-down" if w.clue.type == "dependency-unreachable" and accused_by_others else w.clue.type
        votes[kind].append(w.weight * factor)
    telling = [w.clue for w in own if w.clue.role == "cause" and w.clue.kind != "http" and w.weight >= _SPECIFIC]
    told_itself = [c for c in telling if c.reporter == c.component]
    reasons = {c.type for c in telling if c.on_site or c.type not in _ONLY_THAT}
    if reasons.isdisjoint(c.type for c in told_itself):  # only others name a reason
        reasons |= {c.type for c in told_itself if not reasons or c.weight >= _OWN_WORD}
    hangs = any(c.kind == "connection" and c.type == "timeout" for c in telling)
    if hangs and not reasons:  # it looks dead to others, but what is dead has no connection left to miss heartbeats on
        return "timeout"
    return max(sorted(reasons or votes), key=lambda t: _noisy_or(votes.get(t, [])))


def _names_no_reason(clue: Clue) -> bool:
    """Say whether a clue tells that something failed, or is new, and not why."""
    return clue.kind in _REASONLESS or (clue.kind == "traceback" and clue.type == "bug" and clue.weight <= REFUSAL)


def _host(own: Sequence[Weighed]) -> str | None:
    """Return the host that the clues of the cause agree on; None when none is known or several are alike."""
    votes: dict[str, list[float]] = defaultdict(list)
    for w in own:
        if w.clue.host and w.clue.role != "context":
            votes[w.clue.host].append(w.weight)
    if not votes:
        return None
    ranked = sorted(((_noisy_or(v), h) for h, v in votes.items()), reverse=True)
    if len(ranked) > 1 and ranked[1][0] > _AS_MUCH * ranked[0][0]:
        return None
    return ranked[0][1]


def _code(own: Sequence[Weighed]) -> tuple[CodeLocation, ...]:
    """Return the code locations of all clues: the first of each clue, strongest clue first, then their second ones."""
    located = sorted((w for w in own if w.clue.code), key=lambda w: -w.weight)
    ranks = zip_longest(*(w.clue.code for w in located))
    return tuple(dict.fromkeys(place for rank in ranks for place in rank if place))
