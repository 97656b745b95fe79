"""A diagnostic run on an incident with known truth: says of each part whether it works."""

import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from openstack_rca import pipeline, reporting
from openstack_rca.errors import CheckFailed
from openstack_rca.parsing.formats import load_formats
from openstack_rca.records import Report
from openstack_rca.reporting.plain import plain
from openstack_rca.settings import Settings, load_settings
from openstack_rca.signatures import checked_signatures

LEAST_TYPED = 0.995
"""Share of lines that must belong to a typed record."""


def diagnose(case: Path) -> int:
    """Run every part on a case folder, print one line for each, and return 1 if one does not work, else 0."""
    run = _Run(case)
    parts = (run.knowledge, run.parsing, run.analysis, run.reports)
    broken = [part for part in parts if not _works(part)]
    sys.stdout.write(f"{len(parts) - len(broken)} of {len(parts)} parts work.\n")
    return 1 if broken else 0


def _works(part: Callable[[], str]) -> bool:
    """Run a part and print what it says; whatever it raises is the finding."""
    try:
        sys.stdout.write(f"works   {plain(part())}\n")
    except Exception as error:
        sys.stdout.write(f"broken  {part.__name__}: {plain(str(error) or repr(error))}\n")
        return False
    return True


class _Run:
    """The parts in their order; each returns a sentence, or raises what is wrong."""

    def __init__(self, case: Path) -> None:
        self._case = case
        self._report: Report | None = None

    @property
    def _settings(self) -> Settings:
        return load_settings()

    def knowledge(self) -> str:
        return (
            f"knowledge: {len(load_formats())} log formats, {len(checked_signatures())} signatures, all examples hold"
        )

    def parsing(self) -> str:
        logs = pipeline.read_logs([self._case / "logs"], self._settings)
        typed = sum(sum(file.formats.values()) for file in logs.files)
        sentence = f"parsing: {logs.table.height:,} records from {logs.lines:,} lines, {typed / logs.lines:.2%} typed"
        if typed < LEAST_TYPED * logs.lines:
            raise CheckFailed(sentence)
        return sentence

    def analysis(self) -> str:
        truth = yaml.safe_load((self._case / "truth.yaml").read_text("utf-8"))
        request = pipeline.AnalysisRequest(truth["issue"], (self._case / "logs",))
        self._report = pipeline.analyze(request, self._settings)
        causes = self._report.diagnosis.causes
        found, expected = causes[0].component if causes else "nothing", truth["root_cause_component"]
        if found != expected:
            raise CheckFailed(f"it blames {found}, but the cause was {expected}")
        return f"analysis: it blames {found}, as it should, and cites {len(causes[0].evidence)} lines"

    def reports(self) -> str:
        if self._report is None:
            raise CheckFailed("without an analysis there is no report")
        for render in reporting.FORMATS.values():
            render(self._report)
        if reporting.report_from_dict(reporting.report_to_dict(self._report)) != self._report:
            raise CheckFailed("a report that is read again differs")
        return f"reports: {', '.join(reporting.FORMATS)}"
