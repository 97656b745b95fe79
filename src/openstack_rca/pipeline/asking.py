"""The language model in an analysis: whether it is asked, with what, and what becomes of its answer."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import platformdirs

from openstack_rca.diagnosis import Case
from openstack_rca.diagnosis.claude import ClaudeAnalyst, Material, why_unavailable
from openstack_rca.errors import UnavailableError
from openstack_rca.pipeline.memory import open_memory
from openstack_rca.records import Report, SimilarIncident
from openstack_rca.settings import Settings
from openstack_rca.signatures import load_signatures

Heard = Callable[[str], None]
_MOST_FOUND = 5


def is_wanted(llm: bool | None, settings: Settings) -> bool:
    """Say whether the model is to be asked: always when told so, by default when a key is at hand.

    Raises UnavailableError when it was asked for by name and cannot be reached for.
    """
    reason = why_unavailable(settings)
    if llm and reason:
        raise UnavailableError(reason)
    return llm is not False and reason is None


def consult(
    case: Case,
    report: Report,
    settings: Settings,
    *,
    investigating: bool = False,
    fresh: bool = False,
    heard: Heard | None = None,
) -> Report:
    """Return the report with the model's diagnosis as far as it holds, else with the offline one and a sentence why."""
    conclusion = _analyst(settings).diagnose(
        case, report.diagnosis, material(report, settings), investigating=investigating, fresh=fresh, heard=heard
    )
    cost = () if conclusion.use.calls == 0 else (f"The language model cost about {conclusion.dollars:.3f} $.",)
    return replace(
        report, diagnosis=conclusion.diagnosis, llm=conclusion.use, notes=(*report.notes, *conclusion.notes, *cost)
    )


def preview(case: Case, report: Report, settings: Settings, *, investigating: bool = False) -> str:
    """Return exactly what the model would be sent first, and its size; nothing is connected to."""
    return _analyst(settings).dry_run(case, report.diagnosis, material(report, settings), investigating=investigating)


def _analyst(settings: Settings) -> ClaudeAnalyst:
    return ClaudeAnalyst(settings, platformdirs.user_cache_path("openstack-rca") / "answers")


def material(report: Report, settings: Settings) -> Material:
    """Return what an analysis may draw on beside the case: what the report found, and two searches."""

    def incidents(text: str) -> Sequence[SimilarIncident]:
        with open_memory(settings, fast=True) as (memory, _):
            return memory.shown(memory.search(text, _MOST_FOUND), None)

    return Material(report.similar_incidents, report.patterns, incidents, _signatures)


def _signatures(text: str) -> Sequence[str]:
    """Return what is known of the signatures that hold most words of a text."""
    words = {w for w in text.lower().split() if len(w) > 2}
    told = [(f"{s.title}. {s.explains} {s.remediation}".strip(), s) for s in load_signatures()]
    ranked = sorted(told, key=lambda t: -sum(w in f"{t[0]} {t[1].pattern}".lower() for w in words))
    return [line for line, _ in ranked[:_MOST_FOUND]]
