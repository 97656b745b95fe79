"""History: cause@1 on recurring incidents, with and without a memory of other cases of the same fault."""

import argparse
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from openstack_rca.incidents.incident import Culprit
from openstack_rca.pipeline.analysis import AnalysisRequest, analyze
from openstack_rca.pipeline.cases import TrueCase, is_held_back, load_cases
from openstack_rca.pipeline.memory import open_memory, recall, remember, without_memory
from openstack_rca.records import Cause, Report
from openstack_rca.reporting import report_to_dict
from openstack_rca.settings import Settings

_LEVELS = ("service", "file", "function")
Answers = Mapping[str, Sequence[Cause]]


@dataclass(frozen=True)
class Solved:
    """A case with its report and the place of its fault: service, file, function."""

    case: TrueCase
    report: Report
    fault: tuple[str, str, str]


def main(argv: Sequence[str] | None = None) -> None:
    """Print how many first causes are right by part: cases whose fault occurs in other cases too, and new faults."""
    parser = argparse.ArgumentParser(prog="scripts/bench history", description=__doc__)
    parser.add_argument("cases", nargs="?", type=Path, default=Path("../shared/data/fault-injection"))
    parser.add_argument("--days", type=float, default=10.0, help="age of the remembered incidents")
    options = parser.parse_args(argv)
    if not options.cases.is_dir():
        parser.exit(2, f"The folder of cases {options.cases} does not exist; name another.\n")
    started = time.perf_counter()
    solved = [solve(case) for case in load_cases(options.cases) if "root_cause_function" in case.truth]
    print(f"{len(solved)} cases analysed in {time.perf_counter() - started:.0f} s.")
    compare(solved, options.days)


def compare(solved: Sequence[Solved], days: float) -> None:
    """Print the table: right first causes without and with memory, and how many were gained and lost by it."""
    faults = [s.fault for s in solved]
    again = [s for s in solved if faults.count(s.fault) > 1]
    new = [s for s in solved if s not in again]
    held = {s.case.id for s in solved if is_held_back(s.case.id)}
    parts = {
        "recurring faults, held back": [s for s in again if s.case.id in held],
        "recurring faults, seen while building": [s for s in again if s.case.id not in held],
        "recurring faults, all": again,
        "new faults, held back": [s for s in new if s.case.id in held],
        "new faults, seen while building": [s for s in new if s.case.id not in held],
    }
    with tempfile.TemporaryDirectory() as name:
        others, strangers = answers(solved, Path(name), days)
    print(
        f"Right first causes without -> with the memory of all other cases, {days:g} days old. The function is the whole"
    )
    print("cause (cause@1): it is right only where service and file are.")
    for title, part in parts.items():
        show(title, part, others)
    print("The same with a memory that holds other faults only, so that nothing in it can help:")
    show("all cases", solved, strangers)


def solve(case: TrueCase) -> Solved:
    """Analyse a case as a user would, without memory."""
    baseline = (case.baseline,) if case.baseline else ()
    report = analyze(AnalysisRequest(case.issue, (case.logs,), baseline, llm=False), without_memory(Settings()))
    fault = tuple(str(case.truth[f"root_cause_{name}"]) for name in _LEVELS)
    return Solved(case, report, (fault[0], fault[1], fault[2]))


def answers(solved: Sequence[Solved], folder: Path, days: float) -> tuple[Answers, Answers]:
    """Return the causes by case when all other cases are remembered as solved, and when only other faults are."""
    full = folder / "full"
    ids = {one.case.id: kept(one, full, days + number / 86_400) for number, one in enumerate(solved)}
    others: dict[str, Sequence[Cause]] = {}
    strangers: dict[str, Sequence[Cause]] = {}
    for one in solved:
        same = [s for s in solved if s.fault == one.fault]
        for answer, gone in ((others, [one]), (strangers, same)):
            memory = Path(shutil.copytree(full, folder / "memory"))
            for case in gone:
                (memory / f"{ids[case.case.id]}.json").unlink()
            answer[one.case.id] = recall(one.report, Settings(incidents_dir=memory)).diagnosis.causes
            shutil.rmtree(memory)
    return others, strangers


def kept(one: Solved, folder: Path, days: float) -> str:
    """Remember a case as solved so many days ago, with its true cause; return the incident's id."""
    settings = Settings(incidents_dir=folder)
    service, file, function = one.fault
    component = next((c.component for c in one.report.diagnosis.causes if c.service == service), service)
    culprit = Culprit(service, component, None, "bug", f"{file}:{function}")
    key = remember(
        report_to_dict(replace(one.report, created_at=one.report.created_at - timedelta(days=days))), settings
    )
    with open_memory(settings, fast=True) as (memory, _):
        memory.resolve(key.incident.id, "The line was mended.", key.incident.created_at, culprit=culprit)
    return key.incident.id


def show(title: str, part: Sequence[Solved], answers: Answers) -> None:
    """Print how many first causes are right, by what of them has to be right."""
    before = [right(s.fault, s.report.diagnosis.causes) for s in part]
    after = [right(s.fault, answers[s.case.id]) for s in part]
    cells = []
    for at, level in enumerate(_LEVELS):
        old, new = ([row[at] for row in rows] for rows in (before, after))
        gained = sum(not was and now for was, now in zip(old, new, strict=True))
        lost = sum(was and not now for was, now in zip(old, new, strict=True))
        points = 100 * (sum(new) - sum(old)) / len(part)
        cells.append(f"{level} {sum(old):2} -> {sum(new):2} ({points:+5.1f} points, +{gained} -{lost})")
    print(f"  {title:38} {len(part):2}: {', '.join(cells)}")


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
