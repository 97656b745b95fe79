"""Context: in what share of cases a decisive line is in what the model would read, by budget of tokens."""

import argparse
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from openstack_rca.diagnosis import Case, OfflineAnalyst
from openstack_rca.diagnosis.claude import EvidenceBook, build, room_for_context
from openstack_rca.diagnosis.redaction import Redactor
from openstack_rca.pipeline import AnalysisRequest, analysis
from openstack_rca.pipeline.cases import TrueCase, load_cases
from openstack_rca.records import Diagnosis
from openstack_rca.settings import Settings, load_settings

BUDGETS = (2000, 4000, 8000, 16000)


@dataclass(frozen=True)
class Row:
    """One case: by budget, how many of the decisive lines are in the context, and what it counts."""

    id: str
    wanted: int
    found: Mapping[int, int]
    tokens: Mapping[int, int]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table for the cases of some folders."""
    parser = argparse.ArgumentParser(prog="scripts/bench context", description=__doc__)
    parser.add_argument("cases", nargs="*", type=Path, default=[Path("examples/incidents")])
    parser.add_argument("--baseline", type=Path, default=Path("examples/incidents/baseline-1/logs"))
    parser.add_argument("--part", default="all", help="all, development or held-back")
    parser.add_argument("--verbose", action="store_true", help="name the cases without a decisive line at 8,000 tokens")
    options = parser.parse_args(argv)
    settings = load_settings(ai_provider="none")
    started = time.perf_counter()
    for folder in options.cases:
        cases = load_cases(folder, options.baseline, options.part)
        rows = [row for case in cases if (row := measure(case, settings))]
        print(f"{folder.name}: {len(rows)} cases with a decisive line in their logs, of {len(cases)}")
        print("  budget  a decisive line is in  of all decisive lines  tokens counted (mean)")
        for budget in BUDGETS:
            share = sum(r.found[budget] > 0 for r in rows) / len(rows)
            lines = sum(r.found[budget] for r in rows) / sum(r.wanted for r in rows)
            mean = sum(r.tokens[budget] for r in rows) / len(rows)
            print(f"  {budget:>6}  {share:>21.3f}  {lines:>21.3f}  {mean:>21.0f}")
        if options.verbose:
            print("  without:", ", ".join(r.id for r in rows if not r.found[8000]) or "none")
    print(f"{time.perf_counter() - started:.0f} s")


def measure(case: TrueCase, settings: Settings) -> Row | None:
    """Return how much of what is decisive a context holds; None when the logs hold no decisive line."""
    read = read_case(case, settings)
    patterns = _decisive(case.truth, read)
    if not patterns:
        return None
    offline = OfflineAnalyst(settings.analysis).diagnose(read)
    found, counted = {}, {}
    for budget in BUDGETS:
        book = EvidenceBook(read, offline.evidence)
        redactor = Redactor()
        context = build(read, offline, book, room_for_context(budget), hide=redactor.redact)
        shown = redactor.restore(context.text)
        found[budget] = sum(any(_holds(p, t) for t in _shown_lines(shown)) for p in patterns)
        counted[budget] = context.tokens + budget - room_for_context(budget)
    return Row(case.id, len(patterns), found, counted)


def read_case(case: TrueCase, settings: Settings, fast: bool = True) -> Case:
    """Return a case as the analyst of the pipeline gets to see it."""
    seen: list[Case] = []

    class Onlooker(OfflineAnalyst):
        def diagnose(self, case: Case) -> Diagnosis:
            seen.append(case)
            return super().diagnose(case)

    baseline = (case.baseline,) if case.baseline else ()
    with patch.object(analysis, "OfflineAnalyst", Onlooker):
        analysis.analyze(AnalysisRequest(case.issue, (case.logs,), baseline, fast=fast), settings)
    return seen[0]


def _decisive(truth: Mapping[str, Any], case: Case) -> list[re.Pattern[str]]:
    """Return what a decisive line must match: the evidence of the truth, else the mutated function in its file.

    Where no traceback of the logs names both, the file alone counts; nothing is returned where none names the file.
    """
    if truth.get("evidence"):
        return [re.compile(e["line_regex"]) for e in truth["evidence"]]
    file, function = re.escape(truth["root_cause_file"]), truth.get("root_cause_function")
    wanted = [rf"{file}\D{{0,12}}\d+\D{{0,6}}\b{function}\b"] if function else []
    everything = "\n".join(f"{m}\n{d}" for m, d in case.table.select("message", "detail").iter_rows())
    return [p for w in (*wanted, file) if (p := re.compile(w)).search(everything)][:1]


def _holds(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.search(text) is not None


def _shown_lines(context: str) -> list[str]:
    """Return the lines of the section of lines, without id and program."""
    section = context.partition("## lines\n")[2].partition("\n## ")[0]
    return [re.sub(r"^E\d+ \S+ ", "", line) for line in section.splitlines()]


if __name__ == "__main__":
    main()
