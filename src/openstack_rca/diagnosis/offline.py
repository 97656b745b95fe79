"""The offline analyst: hypotheses -> a diagnosis whose every statement cites lines that stand in the files."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from openstack_rca.contracts import Topology
from openstack_rca.diagnosis.case import Case, CitedLine
from openstack_rca.diagnosis.confidence import (
    NEGLIGIBLE,
    confidences,
    is_about_something,
    is_accused,
    is_only_asked,
    is_vague,
    needed,
)
from openstack_rca.diagnosis.coverage import with_coverage
from openstack_rca.diagnosis.places import placed
from openstack_rca.diagnosis.presence import Presence
from openstack_rca.diagnosis.selection import choose
from openstack_rca.diagnosis.weighing import hypothesize
from openstack_rca.records import (
    Cause,
    Clue,
    CodeLocation,
    Diagnosis,
    Evidence,
    Hypothesis,
    Question,
    Refuted,
    Scores,
    TimelineEvent,
)
from openstack_rca.settings import Analysis

_REFUTED_FROM = 0.25
"""A hypothesis from this strength on that something else explains is worth being told as refuted."""
_NONE = 0.01
"""A further cause of less confidence than this is none, if it is not another place in the code of the first one."""
_UNLIKELY = 0.1
"""Beside a cause that was found, nothing is recommended for another one of less confidence than this."""
_CONCLUDED = 6
"""For so many of the first records the concluding line is shown too."""
_FRAMES = 2
"""So many of the accused places are proved by the frames of a traceback that name them."""
_ONLY_GUESSED = 0.5
"""The most that the confidence can be where the logs do not hold what the issue names."""
_ADVISED, _RECOMMENDING, _CHECKING, _MOST_CHECKS = 3, 3, 4, 8
"""For so many causes something is recommended, by so many clues of each; so many tell what to look at, and so often in all."""
_REFUTING, _MOST_REFUTED = 2, 5
"""So many lines refute a hypothesis, and so many of these are told."""
_EVENTS_OF_ONE, _MOST_EVENTS = 6, 25
"""So many clues of a hypothesis are events of the timeline, and so many events it has."""
_OTHER_PLACES, _OTHER_PLACE = 2, 0.7
"""How many further places in the code are told, and what each is worth against the one before it."""

_ByRecord = dict[int, tuple[Evidence, ...]]
"""The evidence that each record gives, its first line first."""


@dataclass(frozen=True)
class OfflineAnalyst:
    """Ranks causes by rules with a mechanism, without any language model."""

    settings: Analysis

    def diagnose(self, case: Case) -> Diagnosis:
        """Return the ranked causes of a case; inconclusive when nothing accuses anybody strongly enough."""
        hypotheses = suspected(case)
        kept = [h for h in hypotheses if h.score > NEGLIGIBLE][: self.settings.max_causes]
        sure = [min(c, _ONLY_GUESSED) if case.unmet else c for c in confidences(kept)]
        chosen = choose(kept, case.table, self.settings.max_evidence)
        rank = {r: n for n, h in reversed([*enumerate(kept)]) for c in h.clues for r in c.records}
        chosen = dict(sorted(chosen.items(), key=lambda one: rank.get(one[0], len(kept))))
        evidence = _evidence(case, chosen, self.settings.max_evidence, _places(kept[:1]))
        causes = _causes(kept, sure, evidence)
        inconclusive = bool(case.unmet) or not causes or not self._is_convincing(case, kept[0], causes[0].confidence)
        likely = [h for h, s in zip(kept, sure, strict=True) if inconclusive or h is kept[0] or s >= _UNLIKELY]
        likely = likely[:_ADVISED]
        return Diagnosis(
            analyst="offline",
            inconclusive=inconclusive,
            causes=causes,
            evidence=tuple(piece for pieces in evidence.values() for piece in pieces),
            refuted=_refuted(hypotheses, kept[:1], evidence),
            timeline=_timeline(case, kept, evidence),
            recommendations=_unique(
                c.remediation for h in likely for c in h.clues[:_RECOMMENDING] if c.role != "context"
            ),
            next_checks=_unique(n for h in likely for c in h.clues[:_CHECKING] for n in c.look_next)[:_MOST_CHECKS],
            open_questions=_open(case, kept, inconclusive),
        )

    def _is_convincing(self, case: Case, first: Hypothesis, confidence: float) -> bool:
        """Say whether the first cause can be concluded: sure enough, by a failure, and a clear one when the issue names nothing."""
        if confidence < needed(case.question, self.settings.inconclusive_below) or not is_accused(first):
            return False
        return is_about_something(case.question) or not is_vague(first)


def suspected(case: Case) -> list[Hypothesis]:
    """Return the hypotheses about a case, best first, with the places in the code apart."""
    found = ranked(case.clues, case.table, case.topology, case.question)
    told = sum(h.score > NEGLIGIBLE for h in found)
    return spread_code([*placed(found[:told], case.table, case.topology, case.sayers), *found[told:]])


def ranked(clues: Sequence[Clue], table: pl.DataFrame, topology: Topology, question: Question) -> list[Hypothesis]:
    """Return the hypotheses that clues make, best first, and how much of what is new each accounts for."""
    return with_coverage(hypothesize(clues, topology, question, Presence(table)), table, topology)


def spread_code(hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    """Return the hypotheses with the further code locations of a leading bug as hypotheses of their own.

    They stand behind every rival that is nearly as strong, and name other files than the first.
    """
    if not hypotheses or hypotheses[0].type != "bug":
        return list(hypotheses)
    best, *rest = hypotheses
    files = {best.code[0].file} if best.code else set()
    others: list[Hypothesis] = []
    for place in best.code[1:]:
        if place.file not in files:
            files.add(place.file)
            others.append(replace(best, code=(place,), score=best.score * _OTHER_PLACE ** (len(others) + 1)))
    return sorted([best, *others[:_OTHER_PLACES], *rest], key=lambda h: -h.score)


def _places(hypotheses: Sequence[Hypothesis]) -> dict[int, tuple[CodeLocation, ...]]:
    """Return the places in the code that the records of the clues accuse."""
    return {r: c.code for h in hypotheses for c in reversed(h.clues) if c.code for r in c.records}


def _evidence(
    case: Case, chosen: dict[int, str], most: int, places: Mapping[int, tuple[CodeLocation, ...]]
) -> _ByRecord:
    """Return the evidence of each chosen record: its first line, and for the first few what concludes it and the frames of
    its traceback that name the accused places.
    """
    cited = case.cite(list(chosen))
    rows = {r["record"]: r for r in case.table.filter(pl.col("record").is_in(list(chosen))).iter_rows(named=True)}
    found: _ByRecord = {}
    shown = 0
    for record, why in chosen.items():
        if record not in cited or record not in rows or shown >= most:
            continue
        first = cited[record]
        lines = [(first, why)]
        if len(found) < _CONCLUDED:
            lines += [(frame, "names the place in the code") for frame in _naming(first.frames, places.get(record, ()))]
            lines += [(first.conclusion, f"says why in the record of E{shown + 1}")] if first.conclusion else []
        found[record] = tuple(
            _piece(f"E{shown + n}", line, rows[record], reason)
            for n, (line, reason) in enumerate(lines[: most - shown], 1)
        )
        shown += len(found[record])
    return found


def _naming(frames: Sequence[CitedLine], places: Sequence[CodeLocation]) -> list[CitedLine]:
    """Return the frames that name the first places, in their order in the traceback; of a function that calls itself the last."""
    named = [
        next(
            (
                f
                for f in reversed(frames)
                if re.search(rf'{re.escape(p.file)}", line \d+, in {p.function}$', f.text.rstrip())
            ),
            None,
        )
        for p in places
    ]
    found = list(dict.fromkeys(frame for frame in named if frame))
    return sorted(found[:_FRAMES], key=lambda f: f.line)


def _piece(name: str, line: CitedLine, row: dict[str, Any], why: str) -> Evidence:
    return Evidence(
        id=name,
        file=row["file"],
        line=line.line,
        time=row["time"],
        service=row["service"] or "unknown",
        host=row["host"],
        level=row["level"],
        text=line.text,
        why=why,
        scores=Scores(**{name: _rounded(row[name]) for name in ("lstm", "vector", "tfidf", "fused")}),
    )


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)


def _causes(kept: Sequence[Hypothesis], sure: Sequence[float], evidence: _ByRecord) -> tuple[Cause, ...]:
    """Return a cause for each hypothesis that a line proves, with its confidence."""
    causes: list[Cause] = []
    for hypothesis, confidence in zip(kept, sure, strict=True):
        own = {r for c in hypothesis.clues for r in c.records}
        cited = tuple(p.id for record, pieces in evidence.items() if record in own for p in pieces)
        other_place = bool(hypothesis.code) and hypothesis.component == kept[0].component
        if not cited or (causes and (confidence < _NONE or is_only_asked(hypothesis)) and not other_place):
            continue
        best = hypothesis.clues[0]
        causes.append(
            Cause(
                rank=len(causes) + 1,
                service=hypothesis.service,
                component=hypothesis.component,
                host=hypothesis.host,
                type=hypothesis.type,
                statement=best.statement,
                confidence=confidence,
                evidence=cited,
                remediation=next((c.remediation for c in hypothesis.clues if c.remediation), ""),
                code=hypothesis.code[0] if hypothesis.code else None,
            )
        )
    return tuple(causes)


def _refuted(hypotheses: Sequence[Hypothesis], best: Sequence[Hypothesis], evidence: _ByRecord) -> tuple[Refuted, ...]:
    """Return the suspects that something else explains, each with the lines of that something as the refutation."""
    by_component = {h.component: h for h in reversed(hypotheses)}
    found = []
    for h in hypotheses:
        culprit = by_component.get(h.explained_by or "")
        if culprit is None or h in best or h.score < _REFUTED_FROM:
            continue
        refuting = dict.fromkeys(evidence[r][0].id for c in culprit.clues for r in c.records if r in evidence)
        if refuting:
            why = f"{h.component} needs {culprit.component}, and its failure accounts for this: {culprit.clues[0].statement}"
            found.append(
                Refuted(f"{h.component} is at fault: {h.clues[0].statement}", why, tuple(refuting)[:_REFUTING])
            )
    return tuple(found[:_MOST_REFUTED])


def _timeline(case: Case, kept: Sequence[Hypothesis], evidence: _ByRecord) -> tuple[TimelineEvent, ...]:
    """Return one event for each cited line that begins a clue, told by the shortest statement, in order of time."""
    events: dict[str, TimelineEvent] = {}
    for clue in (c for h in kept for c in h.clues[:_EVENTS_OF_ONE]):
        cited = next((evidence[r][0] for r in clue.records if r in evidence), None)
        if clue.first and cited and (cited.id not in events or len(clue.statement) < len(events[cited.id].event)):
            events[cited.id] = TimelineEvent(clue.first, clue.reporter, cited.host, clue.statement, cited.id)
    began = "failures set in" if any(map(is_accused, kept)) else "warnings or errors become more frequent"
    onset = [TimelineEvent(case.onset, "all", None, began, None)] if case.onset else []
    return tuple(sorted([*onset, *events.values()], key=lambda e: (e.time is None, e.time, e.service))[:_MOST_EVENTS])


def _open(case: Case, kept: Sequence[Hypothesis], inconclusive: bool) -> tuple[str, ...]:
    questions = list(case.unmet)
    if not kept:
        questions.append(
            "Nothing in these logs accuses any component: are the logs of the time and host of the failure here?"
        )
    elif inconclusive and not case.unmet:
        lacking = (
            "logs of more services, or at a more detailed level, would tell more"
            if case.compared
            else "logs of a healthy time (--baseline) or of more services would tell what is unusual"
        )
        questions.append(f"The evidence against {kept[0].component} is weak: {lacking}.")
    services = case.table["service"].drop_nulls().unique().cast(pl.String).to_list()
    known = {name for s in services for name in (s, case.topology.resolve(s))}
    questions.extend(
        f"{h.component} is under suspicion, but its own log is not among the files: add it."
        for h in kept[:1]
        if h.component not in known and not case.topology.is_infrastructure(h.component)
    )
    return tuple(questions)


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(t for t in dict.fromkeys(texts) if t)
