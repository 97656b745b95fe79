"""A case opened for somebody who searches in it: the offline diagnosis, and the tools of an investigation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from openstack_rca.diagnosis.claude import EvidenceBook, Toolbox, Workbench
from openstack_rca.diagnosis.claude.analyst import redactor_for
from openstack_rca.pipeline.analysis import AnalysisRequest, Stopwatch, prepare
from openstack_rca.pipeline.asking import material
from openstack_rca.records import Report
from openstack_rca.settings import Settings


@dataclass(frozen=True)
class Opened:
    """An open case: what the offline analyst says, redacted; the tools; and `hide`, which redacts what they say."""

    summary: str
    toolbox: Toolbox
    hide: Callable[[str], str]


def open_case(request: AnalysisRequest, settings: Settings) -> Opened:
    """Analyse logs offline and return the case, ready to be searched; raises like `analyze`."""
    case, report = prepare(request, settings, Stopwatch(lambda stage: None))
    redactor = redactor_for(case, settings)
    drawn = material(report, settings)
    book = EvidenceBook(case, report.diagnosis.evidence)
    bench = Workbench(case, book, patterns=drawn.patterns, incidents=drawn.incidents, signatures=drawn.signatures)
    return Opened(redactor.redact(_summary(report)), Toolbox(bench, redactor.restore), redactor.redact)


def _summary(report: Report) -> str:
    diagnosis = report.diagnosis
    verdict = "Inconclusive." if diagnosis.inconclusive else "Causes, most likely first:"
    causes = [
        f"{c.rank}. {c.component}{' on ' + c.host if c.host else ''} ({c.type}, confidence {c.confidence:.2f}): "
        f"{c.statement} [{', '.join(c.evidence)}] Remedy: {c.remediation or 'none known'}"
        for c in diagnosis.causes
    ]
    part = [report.part] if report.part else []
    missing = _listed("What is missing:" if diagnosis.inconclusive else "Still open:", diagnosis.open_questions)
    lines = [f"{e.id} {e.file}:{e.line} {e.level} {e.service}: {e.text[:300]}" for e in diagnosis.evidence]
    notes = _listed("Notes:", report.notes)
    return "\n".join([verdict, *causes, *part, *missing, *_listed("Evidence:", lines), *notes])


def _listed(title: str, items: Sequence[str]) -> Sequence[str]:
    return [title, *items] if items else []
