"""Clues -> ranked hypotheses: evidence adds up, the callee's failure explains the caller's, symptoms never win.

The rules (docs/decisions/0010-diagnosis.md has the sources): infrastructure before service, callee before caller, a shared
dependency when many fail alike, symptoms are never the cause, an exception raised on the remote side points elsewhere.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import zip_longest

from openstack_rca.contracts import Topology
from openstack_rca.diagnosis.confidence import REFUSAL
from openstack_rca.diagnosis.presence import Presence
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
_KNOWN, _TELLING = 0.5, 0.3
"""From which weight on a clue names a cause of what was asked about, and from which on it tells of a failure."""
_ONE_TIMER = timedelta(seconds=60)
"""The most usual timer between a failure and what follows from it (rpc_response_timeout)."""
_NOTICED, _UNNOTICED = 0.15, 0.4
"""From which weight on a component noticed its own failure, and what accusations are worth when it did not."""
_UNNOTICEABLE = "data-corruption"
"""What who hands out data does not see: those who check them do."""
_NEAR_QUESTION, _FAR_FROM_QUESTION, _BESIDE_QUESTION = 1.15, 0.8, 0.2
"""What a clue is worth that is near to what was asked, far from it, and far from it while what was asked fails itself."""
_MANY = 4
"""So many others are not at fault all at once."""
_NAMED_HOST, _OTHER_HOST = 1.2, 0.4
"""What a clue is worth at a host that the issue names, and at another one against a program that runs on many."""
_ASKED_FAILS = 0.15
"""From which weight on a failure that what was asked about reports is one."""
_FAILURES: frozenset[ClueKind] = frozenset({"answer", "signature", "traceback", "error", "connection", "shared"})
"""Kinds of clue that report a failure, where others only tell that something is unusual."""
_WITNESSED: frozenset[ClueKind] = frozenset(
    {"address", "answer", "connection", "intervention", "kernel", "refusals", "shared", "wait"}
)
"""Wrong addresses, bad answers, lost connections, what an administrator or the kernel did, what several report, who waited."""
_JOINING: frozenset[ClueKind] = frozenset(
    {"address", "candidates", "handover", "intervention", "kernel", "plugging", "refusals", "stall", "wait"}
)
"""Kinds of clue that join what several programs show: they lead from the failure to what is needed by themselves."""
_INFRASTRUCTURE_BONUS, _MOST = 1.05, 0.99
"""What a cause in the infrastructure is worth more, and the most that any hypothesis scores."""


@dataclass(frozen=True)
class Weighed:
    """A clue with its weight after the question and the other clues have been heard."""

    clue: Clue
    weight: float

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
    asked = {topology.family(c) for c in question.components}
    if not any(topology.family(name) in asked for c in merged for name in (c.component, c.reporter)):
        question = replace(question, components=())  # "power" means ironic only where there is one
    concerned = _concerned(merged, topology, question)
    known = any(_is_known(c, concerned, topology) for c in merged)
    far = _BESIDE_QUESTION if any(map(partial(_fails_as_asked, question), merged)) else _FAR_FROM_QUESTION
    weighed = [
        Weighed(
            c,
            c.weight
            * _closeness(c, topology, question, far, concerned, known)
            * _credit(c, merged, topology, presence),
        )
        for c in merged
    ]
    suspects = sorted({w.clue.component for w in weighed if w.clue.role == "cause" and w.weight > _ANYTHING})
    suspects += sorted({w.clue.component for w in weighed if w.clue.role == "symptom"} - set(suspects))
    scores = {s: _noisy_or(_own(weighed, s)) for s in suspects}
    excused = {s: _excuse(s, weighed) for s in suspects}
    found = [
        _hypothesis(s, own, weighed, scores, excused[s], topology)
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


def _fails_as_asked(question: Question, clue: Clue) -> bool:
    """Say whether a component that was asked about reports a failure, or refuses calls as the issue says."""
    if clue.reporter not in question.components or clue.weight < _ASKED_FAILS:
        return False
    return clue.kind in _FAILURES | _JOINING | {"outage"} or (clue.kind == "http" and clue.role == "cause")


def _concerned(clues: Sequence[Clue], topology: Topology, question: Question) -> set[str]:
    """Return the services and shared components to which the failures of what was asked about lead.

    These are the services that were asked about, infrastructure that they need and that reports a failure of its own (a disk, a
    database), whom all these accuse, and whom those accuse in turn.
    """
    failures = [c for c in clues if _is_failure(c) and not _is_retold(c, clues)]
    families = {c: topology.family(c) for c in {name for c in failures for name in (c.component, c.reporter)}}
    concerned = {topology.family(c) for c in question.components}
    concerned |= {
        families[c.component]
        for c in failures
        if topology.is_infrastructure(c.component)
        and families[c.component] == families[c.reporter]
        and _is_of_its_path(c.component, topology, question)
    }
    while more := {families[c.component] for c in failures if families[c.reporter] in concerned} - concerned:
        concerned |= more
    return concerned


def _is_retold(clue: Clue, clues: Sequence[Clue]) -> bool:
    """Say whether a symptom stands in the same record as an exception which says that another component is why."""
    return clue.role == "symptom" and any(
        c.role == "cause" and c.kind == "traceback" and c.weight >= clue.weight and c.component != clue.component
        and c.reporter == clue.reporter and set(c.records) & set(clue.records)
        for c in clues
    )  # fmt: skip


def _closeness(
    clue: Clue, topology: Topology, question: Question, far: float, concerned: set[str], known: bool
) -> float:
    """Return how much a clue has to do with what was asked: near when it accuses that, or comes from where its failures lead.

    What is needed by it and fails beside it is not: a database that turns another service away alone does not hurt it, and
    volumes that cannot be made do not keep servers from starting that have none. What it does not even need is never. Code that
    was changed on site is a finding whatever was asked, unless a cause is `known` without it. Where everything fails, what only
    one service feels is beside the question.
    """
    host = _at_named_host(clue, topology, question)
    if not question.components:
        felt = topology.is_shared(clue.component) or clue.kind in _WITNESSED | _JOINING
        return host * (_BESIDE_QUESTION if question.everything and known and not felt else 1.0)
    accused, reporter = topology.family(clue.component), topology.family(clue.reporter)
    shared = topology.is_infrastructure(clue.component)
    witnessed = reporter in concerned or (accused in concerned and topology.is_infrastructure(clue.reporter))
    needed = _is_of_its_path(clue.component, topology, question)
    felt = needed and (clue.kind in _JOINING or (shared and clue.type == "timeout"))  # what hangs, hangs for all
    changed = clue.on_site and not known
    if changed or witnessed or felt or accused in {topology.family(c) for c in question.components}:
        return host * _NEAR_QUESTION
    return host * (far if needed or shared else _BESIDE_QUESTION)


def _at_named_host(clue: Clue, topology: Topology, question: Question) -> float:
    """Return what a clue is worth for the hosts that the issue names: more at one of them, less at another of the same kind.

    What a program that runs on many hosts says of another host may be told at one that the issue names.
    """
    if not question.hosts or clue.host is None:
        return 1.0
    if clue.host in question.hosts:
        return _NAMED_HOST
    from_afar = clue.reporter != clue.component and topology.is_per_host(clue.reporter)
    return _OTHER_HOST if topology.is_per_host(clue.component) and not from_afar else 1.0


def _is_of_its_path(component: str, topology: Topology, question: Question) -> bool:
    """Say whether a component was asked about, or is needed by one that was."""
    return any(component == asked or topology.depends(asked, component) is not None for asked in question.components)


def _credit(clue: Clue, clues: Sequence[Clue], topology: Topology, presence: Presence | None) -> float:
    """Return what an accusation by another component is worth.

    Less when the accused went on writing meanwhile and noticed nothing itself: then its answer was right, and the
    question may have been wrong. This does not hold for those who speak from more than one side (`_WITNESSED`).
    """
    if presence is None or clue.reporter == clue.component or topology.is_infrastructure(clue.component):
        return 1.0
    timed = clue if clue.first else next((c for c in clues if c.first and _says_the_same(c, clue)), clue)
    at = clue.host if topology.is_per_host(clue.component) else None
    if (
        clue.kind in _WITNESSED
        or clue.type == _UNNOTICEABLE
        or not presence.wrote(clue.component, timed.first, timed.last, at)
    ):
        return 1.0
    noticed = any(
        c.component == clue.component == c.reporter and c.role != "context" and c.weight >= _NOTICED
        and c.kind not in ("change", "silence", "latency")
        for c in clues
    )  # fmt: skip
    return 1.0 if noticed else _UNNOTICED


def _says_the_same(clue: Clue, other: Clue) -> bool:
    """Say whether two clues are of one kind, reporter and accused, as the same failure in two logs."""
    return (clue.kind, clue.reporter, clue.component) == (other.kind, other.reporter, other.component)


def _is_known(clue: Clue, concerned: set[str], topology: Topology) -> bool:
    """Say whether a clue names a cause of what was asked about: told by a service that is concerned against one that is, or joined."""
    if clue.role != "cause" or clue.weight < (_TELLING if clue.kind == "http" else _KNOWN):
        return False
    told = {topology.family(clue.component), topology.family(clue.reporter)} <= concerned
    return clue.kind in _JOINING or (clue.kind in _FAILURES | {"http", "outage"} and told)


def _is_failure(clue: Clue) -> bool:
    return clue.role != "context" and clue.weight >= _TELLING and clue.kind in _FAILURES


def _lateness(moment: datetime, began: datetime) -> float:
    """Return how late a moment is after another, from 0 for earlier ones to 1 for a timer later."""
    return min(1.0, max(0.0, (moment - began) / _ONE_TIMER))


def _own(weighed: Sequence[Weighed], component: str) -> list[float]:
    """Return the weights that speak against a component; context counts no more than what accuses."""
    own = [w for w in weighed if w.clue.component == component]
    accusing = [w.evidence for w in own if w.clue.role != "context"]
    most = _noisy_or(accusing)
    return accusing + [min(w.evidence, most) for w in own if w.clue.role == "context"]


def _noisy_or(weights: Sequence[float]) -> float:
    remaining = 1.0
    for i, weight in enumerate(sorted(weights, reverse=True)):
        remaining *= 1 - min(_SUREST, weight) * _REPEAT**i
    return 1 - remaining


def _excuse(component: str, weighed: Sequence[Weighed]) -> float:
    """Return how strongly a component is excused (0 to 1), by itself only while it blames few: who loses many lost itself."""
    excuses = [w for w in weighed if w.clue.exculpates == component]
    blamed = {w.clue.component for w in excuses if w.clue.reporter == component and w.weight >= _NOTICED}
    return _noisy_or([w.weight for w in excuses if w.clue.reporter != component or len(blamed) < _MANY])


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
    excused: float,
    topology: Topology,
) -> Hypothesis:
    culprit, strength = _explanation(component, weighed, scores, topology)
    left = [replace(w, weight=w.weight * _left(w, strength, excused)) for w in own]
    bonus = _INFRASTRUCTURE_BONUS if topology.is_infrastructure(component) else 1.0
    score = min(_MOST, _noisy_or(_own(left, component)) * bonus)
    kind = _type(own)
    ordered = sorted(own, key=lambda w: (w.clue.role == "context", -w.weight))
    leading = next((w for w in ordered if w.clue.type == kind and w.clue.role == "cause"), ordered[0])
    return Hypothesis(
        component=component,
        service=topology.family(component),
        host=_host([w for w in own if w.clue.type == kind and w.clue.host] or own, component, topology),
        type=kind,
        score=score,
        clues=(leading.clue, *(w.clue for w in ordered if w is not leading)),
        explained_by=culprit if strength > _EXPLAINS and score < scores.get(culprit or "", 0.0) else None,
        code=_code(own),
    )


def _left(w: Weighed, strength: float, excused: float) -> float:
    """Return the share of a clue that the failure of a dependency leaves unexplained.

    Nothing of a programming error is explained: a dependency that fails gives an error, not a value of the wrong kind.
    """
    if w.clue.code and w.clue.kind == "traceback" and w.clue.type == "bug":
        return 1.0
    if w.evidence >= _SPECIFIC:
        accused_by_others = w.clue.reporter != w.clue.component
        return (1 - _EXPLAINED_SPECIFIC * strength) * (1 - (_EXCUSED * excused if accused_by_others else 0.0))
    return (1 - _EXPLAINED * strength) * (1 - _EXCUSED * excused)


def _explanation(
    component: str, weighed: Sequence[Weighed], scores: dict[str, float], topology: Topology
) -> tuple[str | None, float]:
    """Return the dependency whose failure best explains that of a component, and how strongly (0 to 1)."""
    best: tuple[str | None, float] = (None, 0.0)
    began = min((w.clue.first for w in weighed if w.clue.component == component and w.clue.first), default=None)
    for other, score in scores.items():
        steps = topology.depends(component, other)
        back = topology.depends(other, component)
        if steps is None or (back is not None and back <= steps):
            continue
        since = min(
            (w.clue.first for w in weighed if w.clue.component == other and w.clue.first and w.clue.role == "cause"),
            default=None,
        )
        if began and since and since > began + LONGEST_TIMER:
            continue
        strength = score * (1.0 if steps == 1 else _FURTHER_OFF)
        if began and since:
            strength *= 1 - _TOO_LATE * _lateness(since, began)
        if strength > best[1]:
            best = (other, strength)
    return best


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


def _host(own: Sequence[Weighed], component: str, topology: Topology) -> str | None:
    """Return the host that the clues of the cause agree on; None when none is known or several of a per-host program are alike."""
    votes: dict[str, list[float]] = defaultdict(list)
    for w in own:
        if w.clue.host and w.clue.role != "context":
            votes[w.clue.host].append(w.weight)
    if not votes:
        return None
    ranked = sorted(((_noisy_or(v), h) for h, v in votes.items()), reverse=True)
    if len(ranked) > 1 and topology.is_per_host(component) and ranked[1][0] > _AS_MUCH * ranked[0][0]:
        return None
    return ranked[0][1]


def _code(own: Sequence[Weighed]) -> tuple[CodeLocation, ...]:
    """Return the code locations of all clues: the first of each clue, strongest clue first, then their second ones."""
    located = sorted((w for w in own if w.clue.code), key=lambda w: -w.weight)
    ranks = zip_longest(*(w.clue.code for w in located))
    return tuple(dict.fromkeys(place for rank in ranks for place in rank if place))
