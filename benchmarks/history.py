"""History: cause@1 on recurring incidents, with and without a memory of other cases of the same fault."""

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from openstack_rca.incidents.incident import Culprit, fingerprint_of
from openstack_rca.incidents.learning import prior
from openstack_rca.incidents.memory import IncidentMemory
from openstack_rca.pipeline.analysis import AnalysisRequest, analyze
from openstack_rca.pipeline.cases import TrueCase, is_held_back, load_cases
from openstack_rca.records import Cause
from openstack_rca.reporting import report_to_dict
from openstack_rca.retrieval.texts import TfidfTexts
from openstack_rca.settings import Rag, Settings

NOW = datetime(2026, 11, 22, tzinfo=UTC)
_LEVELS = ("service", "file", "function")


@dataclass(frozen=True)
class Solved:
    """A case with its report and the place of its fault: service, file, function."""

    case: TrueCase
    causes: tuple[Cause, ...]
    report: Mapping[str, Any]
    fault: tuple[str, str, str]


def main(argv: Sequence[str] | None = None) -> None:
    """Print cause@1 by part: cases whose fault occurs in other cases too, and cases whose fault is new."""
    parser = argparse.ArgumentParser(prog="scripts/bench history", description=__doc__)
    parser.add_argument("cases", nargs="?", type=Path, default=Path("../shared/data/fault-injection"))
    parser.add_argument("--days", type=float, default=10.0, help="age of the remembered incidents")
    options = parser.parse_args(argv)
    if not options.cases.is_dir():
        parser.exit(2, f"The folder of cases {options.cases} does not exist; name another.\n")
    started = time.perf_counter()
    solved = [solve(case) for case in load_cases(options.cases) if "root_cause_function" in case.truth]
    print(f"{len(solved)} cases analysed in {time.perf_counter() - started:.0f} s; cause@1 without and with memory:")
    faults = [s.fault for s in solved]
    again = [s for s in solved if faults.count(s.fault) > 1]
    parts = {
        "recurring, held back": [s for s in again if is_held_back(s.case.id)],
        "recurring, tuned on": [s for s in again if not is_held_back(s.case.id)],
        "recurring, all": again,
        "new faults, all": [s for s in solved if s not in again],
    }
    with tempfile.TemporaryDirectory() as folder:
        answers = {s.case.id: remembered(s, solved, Path(folder) / s.case.id, options.days) for s in solved}
    for name, part in parts.items():
        show(name, part, answers)


def solve(case: TrueCase) -> Solved:
    """Analyse a case as a user would, without memory."""
    baseline = (case.baseline,) if case.baseline else ()
    report = analyze(AnalysisRequest(case.issue, (case.logs,), baseline), Settings())
    fault = tuple(str(case.truth[f"root_cause_{name}"]) for name in _LEVELS)
    return Solved(case, report.diagnosis.causes, report_to_dict(report), (fault[0], fault[1], fault[2]))


def remembered(one: Solved, solved: Sequence[Solved], folder: Path, days: float) -> tuple[Cause, ...]:
    """Return the causes of a case when all other cases are remembered as solved, with their true causes."""
    memory = IncidentMemory(folder, TfidfTexts(), Rag())
    then = NOW - timedelta(days=days)
    for other in solved:
        if other is one:
            continue
        service, file, function = other.fault
        component = next((c.component for c in other.causes if c.service == service), service)
        culprit = Culprit(service, component, None, "bug", f"{file}:{function}")
        kept = memory.add({**other.report, "created_at": then.isoformat()})
        memory.resolve(kept.incident.id, "The line was mended.", then, culprit=culprit)
    return prior(one.causes, memory.similar(one.case.issue, fingerprint_of(one.report)), NOW)


def show(name: str, part: Sequence[Solved], answers: Mapping[str, Sequence[Cause]]) -> None:
    """Print the share of cases whose first cause is right, by what of it has to be right."""
    before = [right(s.fault, s.causes) for s in part]
    after = [right(s.fault, answers[s.case.id]) for s in part]
    cells = []
    for at, level in enumerate(_LEVELS):
        without, with_memory = (sum(row[at] for row in rows) / len(part) for rows in (before, after))
        cells.append(f"{level} {without:.3f} -> {with_memory:.3f} ({with_memory - without:+.3f})")
    print(f"  {name:22} {len(part):3} cases: {', '.join(cells)}")


def right(fault: tuple[str, str, str], causes: Sequence[Cause]) -> tuple[bool, bool, bool]:
    """Tell whether service, file and function of the first cause are those of the fault."""
    if not causes:
        return False, False, False
    code = causes[0].code
    service, file, function = fault
    in_file = code is not None and code.file == file
    return causes[0].service == service, in_file, in_file and code is not None and code.function == function


if __name__ == "__main__":
    main()
