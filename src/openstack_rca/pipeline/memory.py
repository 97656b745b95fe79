"""The memory of past incidents joined with the vector store, and what it adds to a report."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC
from typing import Any

from openstack_rca.errors import RcaError
from openstack_rca.incidents.incident import Fingerprint, fingerprint_of
from openstack_rca.incidents.learning import prior
from openstack_rca.incidents.memory import IncidentMemory, Match, Remembered, TextIndex
from openstack_rca.records import Cause, Diagnosis, Report
from openstack_rca.retrieval.texts import StoreTexts, TfidfTexts
from openstack_rca.settings import Settings

Notes = tuple[str, ...]


@contextmanager
def open_memory(settings: Settings, fast: bool = False, writing: bool = True) -> Iterator[tuple[IncidentMemory, Notes]]:
    """Yield the memory and what is to be said of it: searched by meaning, or by words in fast mode or without a store."""
    with ExitStack() as stack:
        texts, notes = (TfidfTexts(), ()) if fast else _texts(settings, writing, stack)
        yield IncidentMemory(settings.incidents_dir, texts, settings.rag), notes


def _texts(settings: Settings, writing: bool, stack: ExitStack) -> tuple[TextIndex, Notes]:
    """Return how incidents are compared, closed with the stack."""
    from openstack_rca.retrieval.embeddings import open_embedder
    from openstack_rca.retrieval.store import INCIDENTS, VectorStore

    try:
        embedder = open_embedder(settings.vector_db.embedding_model)
        stack.callback(embedder.close)
        store = stack.enter_context(VectorStore(settings.vector_db, lambda: embedder, writing=writing))
    except RcaError as error:
        return TfidfTexts(), (f"Past incidents are compared by words, not by meaning: {error}",)
    return StoreTexts(store, INCIDENTS), tuple(store.notes)


def recall(report: Report, settings: Settings) -> Report:
    """Return the report with the incidents like it, and its causes ranked with what was confirmed in them."""
    if not settings.incidents_dir.is_dir() or settings.rag.max_historical_context == 0:
        return report
    with open_memory(settings, writing=False) as (memory, notes):
        incidents, skipped = memory.incidents()
        matches = memory.similar(report.issue, fingerprint(report)) if incidents else []
        host = report.diagnosis.causes[0].host if report.diagnosis.causes else None
        shown = memory.shown(matches, host)
    notes = (*notes, *(f"The incident {s.file} was left out: {s.reason}" for s in skipped))
    diagnosis = report.diagnosis
    if settings.rag.enable_historical_learning and matches:
        now = report.created_at.replace(tzinfo=UTC)
        diagnosis = _ranked(diagnosis, prior(diagnosis.causes, matches, now, lambda match: _cite(match, diagnosis)))
    return replace(report, diagnosis=diagnosis, similar_incidents=shown, notes=(*report.notes, *notes))


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
