"""The memory of past incidents joined with the vector store, and what it adds to a report."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC
from typing import Any, TypeVar, get_args

from openstack_rca.contracts import TextIndex
from openstack_rca.correlation import load_topology
from openstack_rca.errors import InputError, RcaError, UsageError
from openstack_rca.incidents.incident import Culprit, Fingerprint, fingerprint_of
from openstack_rca.incidents.learning import prior
from openstack_rca.incidents.memory import IncidentMemory, Match, Remembered
from openstack_rca.pipeline.storing import open_store
from openstack_rca.records import Cause, Diagnosis, FaultType, Report
from openstack_rca.retrieval.store import INCIDENTS
from openstack_rca.retrieval.texts import StoreTexts, TfidfTexts
from openstack_rca.settings import Settings

_T = TypeVar("_T")


class MeaningOrWords:
    """Texts compared by meaning in the vector store, and by words when the store fails; `notes` say what happened.

    The store is opened at the first question: most incidents are compared by what their logs look like, without it.
    """

    def __init__(self, settings: Settings) -> None:
        self.notes: list[str] = []
        self.failed = False
        self._settings = settings
        self._words = TfidfTexts()
        self._meaning: StoreTexts | None = None
        self._opened = ExitStack()

    def renew(self, texts: Mapping[str, str]) -> None:
        """Make these the texts that are searched."""
        self._words.renew(texts)
        self._ask(lambda index: index.renew(texts))

    def nearest(self, query: str, limit: int) -> Sequence[tuple[str, float]]:
        """Return the keys of the closest texts with their similarities, 0 to 1, best first."""
        return self._ask(lambda index: index.nearest(query, limit))

    def close(self) -> None:
        """Release the store."""
        self._opened.close()

    def _ask(self, question: Callable[[TextIndex], _T]) -> _T:
        if not self.failed:
            try:
                return question(self._by_meaning())
            except RcaError as error:  # the store is broken, of another model, on a full disk, or its server is silent
                self.failed = True
                self.notes.append(f"Past incidents are compared by words, not by meaning: {error}")
        return question(self._words)

    def _by_meaning(self) -> StoreTexts:
        if self._meaning is None:
            store = self._opened.enter_context(open_store(self._settings, writing=False))
            self.notes += store.notes
            self._meaning = StoreTexts(store, INCIDENTS)
        return self._meaning


@contextmanager
def open_memory(settings: Settings, fast: bool = False) -> Iterator[tuple[IncidentMemory, Sequence[str]]]:
    """Yield the memory and the notes that grow while it is used: searched by meaning, by words in fast mode."""
    if fast:
        yield IncidentMemory(settings.incidents_dir, TfidfTexts(), settings.rag), ()
        return
    with closing(MeaningOrWords(settings)) as texts:
        yield IncidentMemory(settings.incidents_dir, texts, settings.rag), texts.notes


def without_memory(settings: Settings) -> Settings:
    """Return the settings with which past incidents take no part: for scores that do not depend on who computes them."""
    rag = settings.rag.model_copy(update={"max_historical_context": 0})
    return settings.model_copy(update={"rag": rag})


def recall(report: Report, settings: Settings) -> Report:
    """Return the report with the incidents like it, and its causes ranked with what was confirmed in them.

    When the vector store is needed for that and fails, the mode becomes fast and a note says why.
    """
    if not settings.incidents_dir.exists() or settings.rag.max_historical_context == 0:
        return report
    with closing(MeaningOrWords(settings)) as texts:
        memory = IncidentMemory(settings.incidents_dir, texts, settings.rag)
        try:
            incidents, skipped = memory.incidents()
        except InputError as error:
            return replace(report, notes=(*report.notes, f"Past incidents took no part: {error}"))
        matches = memory.similar(report.issue, fingerprint(report)) if incidents else []
    host = report.diagnosis.causes[0].host if report.diagnosis.causes else None
    left_out = (f"The incident {s.file} was left out: {s.reason}" for s in skipped)
    report = replace(
        report,
        mode="fast" if texts.failed else report.mode,
        similar_incidents=memory.shown(matches, host),
        notes=(*report.notes, *texts.notes, *left_out),
    )
    if not (settings.rag.enable_historical_learning and matches):
        return report
    diagnosis, now = report.diagnosis, report.created_at.replace(tzinfo=UTC)
    causes = prior(diagnosis.causes, matches, now, lambda match: _cite(match, diagnosis))
    return replace(report, diagnosis=_ranked(diagnosis, causes[: settings.analysis.max_causes]))


def _ranked(diagnosis: Diagnosis, causes: tuple[Cause, ...]) -> Diagnosis:
    """Return the diagnosis with causes ranked anew; one that no line here supports is not shown."""
    cited = [c for c in causes if c.evidence]
    return replace(diagnosis, causes=tuple(replace(c, rank=i) for i, c in enumerate(cited, 1)))


def _cite(match: Match, diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return the evidence of this incident that looks like the past one: the lines of its first cause."""
    return diagnosis.causes[0].evidence if match.shared and diagnosis.causes else ()


def fingerprint(report: Report) -> Fingerprint:
    """Return what an incident looks like in the logs; the same as `incidents` makes of a report.json."""
    codes = [c.code for c in report.diagnosis.causes]
    return fingerprint_of(
        {
            "patterns": [{"template": p.template, "change": p.change} for p in report.patterns],
            "causes": [
                {"component": c.component, "code": {"file": code.file, "function": code.function} if code else None}
                for c, code in zip(report.diagnosis.causes, codes, strict=True)
            ],
            "affected_services": report.affected_services,
        }
    )


def remember(report: Mapping[str, Any], settings: Settings) -> Remembered:
    """Keep the incident that a report (as report.json) describes.

    Raises UnavailableError when it cannot be written.
    """
    with open_memory(settings, fast=True) as (memory, _):
        return memory.add(report)


def culprit_named(component: str, kind: str, code: str | None = None) -> Culprit:
    """Return where a fault sat, as a person names it; `code` as "nova/compute/api.py:attach". Raises UsageError."""
    kinds = get_args(FaultType)
    if kind not in kinds:
        raise UsageError(f"There is no type of fault {kind!r}; there are {', '.join(kinds)}.")
    if not component.strip():
        raise UsageError("The component is empty; name the program that was at fault, such as nova-compute.")
    graph = load_topology()
    known = graph.resolve(component) or component.strip()
    place = code if not code or ":" in code else f"{code}:"
    return Culprit(graph.family(known), known, None, kind, place or None)
