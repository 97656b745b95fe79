"""What a clue has to do with the question: those count more that are near to what was asked, or to where its failures lead."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from openstack_rca.contracts import Topology
from openstack_rca.diagnosis.presence import WITNESSED
from openstack_rca.records import Clue, ClueKind, Question

_NEAR_QUESTION, _FAR_FROM_QUESTION, _BESIDE_QUESTION = 1.15, 0.8, 0.2
"""What a clue is worth that is near to what was asked, far from it, and far from it while what was asked fails itself."""
_NAMED_HOST, _OTHER_HOST = 1.2, 0.4
"""What a clue is worth at a host that the issue names, and at another one against a program that runs on many."""
_ASKED_FAILS = 0.15
"""From which weight on a failure that what was asked about reports is one."""
_KNOWN, _TELLING = 0.5, 0.3
"""From which weight on a clue names a cause of what was asked about, and from which on it tells of a failure."""
_FAILURES: frozenset[ClueKind] = frozenset({"answer", "signature", "traceback", "error", "connection", "shared"})
"""Kinds of clue that report a failure, where others only tell that something is unusual."""
_JOINING: frozenset[ClueKind] = frozenset(
    {"address", "candidates", "handover", "intervention", "kernel", "plugging", "refusals", "stall", "wait"}
)
"""Kinds of clue that join what several programs show: they lead from the failure to what is needed by themselves."""


@dataclass(frozen=True)
class Closeness:
    """How close clues are to a question, in view of all of them.

    The failures of what was asked about lead to the services and components `concerned`. A cause of that is `known`, or none is;
    `far` is what a clue counts that has little to do with it.
    """

    question: Question
    topology: Topology
    concerned: frozenset[str]
    known: bool
    far: float

    @classmethod
    def to(cls, question: Question, clues: Sequence[Clue], topology: Topology) -> "Closeness":
        """Return the closeness to a question; what it asks about counts only where a clue is about it."""
        asked = {topology.family(c) for c in question.components}
        if not any(topology.family(name) in asked for c in clues for name in (c.component, c.reporter)):
            question = replace(question, components=())  # "power" means ironic only where there is one
        concerned = _concerned(clues, topology, question)
        known = any(_is_known(c, concerned, topology) for c in clues)
        fails = any(_fails_as_asked(question, c) for c in clues)
        return cls(question, topology, frozenset(concerned), known, _BESIDE_QUESTION if fails else _FAR_FROM_QUESTION)

    def of(self, clue: Clue) -> float:
        """Return how much a clue counts for what it has to do with the question, and for its host where the issue names any."""
        return _at_named_host(clue, self.topology, self.question) * self._to_what_was_asked(clue)

    def _to_what_was_asked(self, clue: Clue) -> float:
        """Return how much a clue has to do with what was asked: near when it accuses that, or comes from where its failures lead.

        What is needed by it and fails beside it is not: a database that turns another service away alone does not hurt it, and
        volumes that cannot be made do not keep servers from starting that have none. What it does not even need is never. Code that
        was changed on site is a finding whatever was asked, unless a cause is `known` without it. Where everything fails, what only
        one service feels is beside the question.
        """
        topology, components = self.topology, self.question.components
        if not components:
            felt = topology.is_shared(clue.component) or clue.kind in WITNESSED | _JOINING
            return _BESIDE_QUESTION if self.question.everything and self.known and not felt else 1.0
        accused, reporter = topology.family(clue.component), topology.family(clue.reporter)
        shared = topology.is_infrastructure(clue.component)
        led_to = accused in self.concerned and topology.is_infrastructure(clue.reporter)
        excused = clue.exculpates and _is_of_its_path(
            clue.exculpates, topology, self.question
        )  # whom a proxy stands before
        needed = bool(excused) or _is_of_its_path(clue.component, topology, self.question)
        felt = needed and (clue.kind in _JOINING or (shared and clue.type == "timeout"))  # what hangs, hangs for all
        changed = clue.on_site and not self.known
        if changed or reporter in self.concerned or led_to or felt or accused in map(topology.family, components):
            return _NEAR_QUESTION
        return self.far if needed or shared else _BESIDE_QUESTION


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


def _fails_as_asked(question: Question, clue: Clue) -> bool:
    """Say whether a component that was asked about reports a failure, or refuses calls as the issue says."""
    if clue.reporter not in question.components or clue.weight < _ASKED_FAILS:
        return False
    return clue.kind in _FAILURES | _JOINING | {"outage"} or (clue.kind == "http" and clue.role == "cause")


def _is_known(clue: Clue, concerned: set[str], topology: Topology) -> bool:
    """Say whether a clue names a cause of what was asked about: told by a service that is concerned against one that is, or joined."""
    if clue.role != "cause" or clue.weight < (_TELLING if clue.kind == "http" else _KNOWN):
        return False
    told = {topology.family(clue.component), topology.family(clue.reporter)} <= concerned
    return clue.kind in _JOINING or (clue.kind in _FAILURES | {"http", "outage"} and told)


def _is_failure(clue: Clue) -> bool:
    return clue.role != "context" and clue.weight >= _TELLING and clue.kind in _FAILURES
