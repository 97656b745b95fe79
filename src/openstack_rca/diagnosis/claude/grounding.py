"""The model's answer -> a diagnosis in which only that stands which the data holds, and the list of what was struck."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from openstack_rca.contracts import Topology
from openstack_rca.diagnosis.claude.facts import Facts
from openstack_rca.diagnosis.claude.schema import Answer, CauseClaim, RefutedClaim
from openstack_rca.records import Cause, CodeLocation, Diagnosis, Evidence, Refuted, TimelineEvent
from openstack_rca.settings import Analysis

_MOST_TEXTS = 10
_SUREST = 0.97
"""No cause is more certain than this, as for the offline analyst."""


@dataclass(frozen=True)
class Grounded:
    """What stands of an answer; `problems` says what does not, `usable` is false when no claim stands."""

    diagnosis: Diagnosis
    problems: tuple[str, ...]
    usable: bool


def ground(
    answer: Answer, facts: Facts, topology: Topology, offline: Diagnosis, name: str, limits: Analysis
) -> Grounded:
    """Check an answer against the facts of its case; `name` is that of the model.

    What the offline analyst holds against a component that the answer neither accuses nor refutes stays, behind the
    causes of the answer: leaving something out is not refuting it.
    """
    check = _Check(facts, topology)
    own = sorted((c for claim in answer.causes if (c := check.cause(claim))), key=lambda c: -c.confidence)
    refuted = {claim.component: r for claim in answer.refuted if (r := check.refuted(claim))}
    kept = _kept(offline, own, set(refuted))
    causes = tuple(replace(c, rank=i) for i, c in enumerate([*own, *kept][: limits.max_causes], 1))
    events = [e for claim in answer.timeline if (e := check.event(claim.evidence, claim.event))]
    timeline = tuple(sorted(events, key=lambda e: (e.time is None, e.time))) or offline.timeline
    diagnosis = Diagnosis(
        analyst=name,
        inconclusive=answer.inconclusive or not causes or causes[0].confidence < limits.inconclusive_below,
        causes=causes,
        evidence=_cited(facts, offline, causes, tuple(refuted.values()), timeline),
        refuted=tuple(refuted.values()),
        timeline=timeline,
        recommendations=check.texts(answer.recommendations) or offline.recommendations,
        next_checks=check.texts(answer.next_checks) or offline.next_checks,
        open_questions=check.texts(answer.open_questions),
    )
    return Grounded(diagnosis, tuple(dict.fromkeys(check.problems)), bool(own) or answer.inconclusive)


def _kept(offline: Diagnosis, own: Sequence[Cause], refuted: set[str]) -> list[Cause]:
    """Return the offline causes that the answer is silent about, none more certain than the answer's last."""
    settled = {c.component for c in own} | refuted
    most = min((c.confidence for c in own), default=1.0)
    return [replace(c, confidence=min(c.confidence, most)) for c in offline.causes if c.component not in settled]


def _cited(
    facts: Facts,
    offline: Diagnosis,
    causes: Iterable[Cause],
    refuted: Iterable[Refuted],
    timeline: Iterable[TimelineEvent],
) -> tuple[Evidence, ...]:
    """Return the evidence of the offline diagnosis and all that is cited, in the order of the ids."""
    cited = {i for c in causes for i in c.evidence} | {i for r in refuted for i in r.evidence}
    cited |= {e.evidence for e in timeline if e.evidence} | {e.id for e in offline.evidence}
    return tuple(e for i, e in facts.book.entries.items() if i in cited)


class _Check:
    """Strikes what does not hold, and keeps a sentence for each."""

    def __init__(self, facts: Facts, topology: Topology) -> None:
        self.problems: list[str] = []
        self._facts = facts
        self._topology = topology

    def cause(self, claim: CauseClaim) -> Cause | None:
        """Return the cause without what does not hold; None when it names no known component or no line bears it."""
        what = f"cause {claim.component!r}"
        if not self._is_component(claim.component):
            self.problems.append(f"{what}: there is no such component in the data.")
            return None
        ids = self._lines(what, claim.component, claim.evidence)
        if not self._quotes(what, claim) or not ids:
            self.problems.append(f"{what}: no line bears it, so it is struck as a whole.")
            return None
        return Cause(
            rank=0,
            service=self._topology.family(claim.component),
            component=claim.component,
            host=self._host(what, claim.host),
            type=claim.type,
            statement=self.text(what, claim.statement, quotes=True),
            confidence=round(min(claim.confidence, _SUREST), 3),
            evidence=ids,
            remediation=self.text(what, claim.remediation, quotes=False),
            code=self._code(what, claim.code),
        )

    def refuted(self, claim: RefutedClaim) -> Refuted | None:
        """Return a refuted cause; None when no line bears the refutation, so that the cause stays."""
        what = f"refuted {claim.component!r}"
        ids = tuple(i for i in dict.fromkeys(claim.evidence) if i in self._facts.book.entries)
        if not ids or not self._is_component(claim.component):
            self.problems.append(f"{what}: no line of the data refutes it.")
            return None
        statement, why = (self.text(what, t, quotes=True) for t in (claim.statement, claim.why))
        return Refuted(statement, why, ids)

    def event(self, id_: str, text: str) -> TimelineEvent | None:
        """Return an event at the time and place of its line; None when the line does not exist."""
        evidence = self._facts.book.entries.get(id_)
        if evidence is None:
            self.problems.append(f"timeline: {id_} does not exist.")
            return None
        said = self.text("timeline", text, quotes=True)
        return TimelineEvent(evidence.time, evidence.service, evidence.host, said, id_)

    def texts(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return advice and questions with unknown names struck; what is between quotation marks is a command here."""
        return tuple(self.text("advice", t, quotes=False) for t in list(texts)[:_MOST_TEXTS] if t.strip())

    def text(self, what: str, text: str, *, quotes: bool) -> str:
        """Return a text with everything struck that is not in the data."""
        kept, bad = self._facts.strike(text, quotes=quotes)
        self.problems += [f"{what}: {piece} is not in the data." for piece in bad]
        return kept.strip()

    def _is_component(self, name: str) -> bool:
        known = self._facts.components
        return name in known or any(self._topology.depends(other, name) is not None for other in sorted(known))

    def _lines(self, what: str, component: str, ids: Sequence[str]) -> tuple[str, ...]:
        """Return the cited ids that exist and whose line speaks of the component."""
        good = []
        for id_ in dict.fromkeys(i.strip("[] ") for i in ids):
            if id_ not in self._facts.book.entries:
                self.problems.append(f"{what}: {id_} does not exist.")
            elif not self._speaks(id_, component):
                self.problems.append(f"{what}: {id_} does not speak of {component}.")
            else:
                good.append(id_)
        return tuple(good)

    def _speaks(self, id_: str, component: str) -> bool:
        """Say whether a line was written by a component or its service, names it, or comes from one that needs it."""
        evidence = self._facts.book.entries[id_]
        family = self._topology.family(component)
        text = self._facts.book.text_of(id_).lower()
        return (
            self._topology.family(evidence.service) == family
            or self._topology.depends(evidence.service, component) is not None
            or component.lower() in text
            or family in text
        )

    def _quotes(self, what: str, claim: CauseClaim) -> bool:
        """Check the quotes; false when there are some and none stands in the line that it is said to be from."""
        good = 0
        for quote in claim.quotes:
            if quote.evidence in self._facts.book.entries and self._facts.holds(quote.text, quote.evidence):
                good += 1
            else:
                self.problems.append(f"{what}: the words {quote.text[:120]!r} do not stand in {quote.evidence}.")
        return good > 0 or not claim.quotes

    def _host(self, what: str, name: str) -> str | None:
        if not name.strip():
            return None
        host = self._facts.host(name)
        if host is None:
            self.problems.append(f"{what}: there is no host {name} in the data.")
        return host

    def _code(self, what: str, place: str) -> CodeLocation | None:
        """Return the code location when its file stands in the data."""
        file, _, function = place.strip().partition(" ")
        if not file:
            return None
        if "/" not in file or not self._facts.was_seen(file):
            self.problems.append(f"{what}: the file {file} is not in the data.")
            return None
        function = function.strip(" ()")
        return CodeLocation(file, None, function if function and self._facts.was_seen(function) else None)
