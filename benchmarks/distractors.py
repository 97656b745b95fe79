"""Distractors: how often the cause is still found with healthy hours around it, and beside a loud failure of another service."""

import argparse
import gzip
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from openstack_rca.pipeline.analysis import AnalysisRequest, analyze
from openstack_rca.pipeline.cases import TrueCase, is_held_back, load_cases
from openstack_rca.pipeline.evaluation import answer_of, judge
from openstack_rca.pipeline.memory import without_memory
from openstack_rca.settings import Settings

_TIME = re.compile(rb"\b(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d:\d\d)")
_CONFIDENT = 0.6
PLAIN, HEALTHY = "as it is", "healthy stretches before and after"
OTHERS = {  # a real, loud failure of another service -> the programs whose logs are mixed in
    "heat-domain-admin-password": "heat",
    "octavia-ca-passphrase": "octavia",
    "barbican-kek-changed": "barbican",
    "manila-max-user-connections": "manila",
}


class Run(NamedTuple):
    """One case, what is mixed into its logs, and whether the healthy logs are given."""

    case: TrueCase
    mixed: str
    other: TrueCase | None
    alone: bool


class Outcome(NamedTuple):
    """What the analysis of a case said: its first component and kind right or not, told with confidence or not, ERRORs mixed in."""

    case: str
    component: bool
    type: bool
    confident: bool
    errors: int


def main(argv: Sequence[str] | None = None) -> None:
    """Print how often the first cause is right, by what was mixed into the logs."""
    parser = argparse.ArgumentParser(prog="scripts/bench distractors", description=__doc__)
    parser.add_argument("cases", nargs="?", type=Path, default=Path("examples/incidents"))
    parser.add_argument("--part", choices=("development", "held-back", "all"), default="development")
    parser.add_argument("--others", type=Path, default=Path("examples/more-services"), help="cases to take noise from")
    options = parser.parse_args(argv)
    held_back = options.part == "held-back"
    cases = [
        c for c in load_cases(options.cases, options.cases / "baseline-1" / "logs")
        if c.truth.get("fault_start") and (options.part == "all" or is_held_back(c.id) == held_back)
    ]  # fmt: skip
    loud = {c.id: c for c in load_cases(options.others, None) if c.id in OTHERS}
    kinds: list[tuple[str, TrueCase | None]] = [(PLAIN, None), (HEALTHY, None)]
    kinds += [(f"{program} fails beside it", loud[name]) for name, program in OTHERS.items()]
    runs = [Run(case, mixed, other, alone) for alone in (False, True) for mixed, other in kinds for case in cases]
    with ProcessPoolExecutor(2) as pool:
        outcomes = list(pool.map(outcome, runs))
    for alone in (False, True):
        print("Without healthy logs" if alone else "With healthy logs")
        for mixed, _ in kinds:
            mine = [o for run, o in zip(runs, outcomes, strict=True) if (run.mixed, run.alone) == (mixed, alone)]
            component, right = (sum(x) / len(mine) for x in zip(*((o.component, o.type) for o in mine), strict=True))
            sure = [o for o in mine if o.confident]
            print(
                f"  {mixed:<36} component@1 {component:.3f}  type@1 {right:.3f}  confident and wrong "
                f"{sum(not o.component for o in sure)} of {len(sure)}  ERRORs mixed in {min(o.errors for o in mine)}"
            )
            missed = [o.case for o in mine if not (o.component and o.type)]
            if missed:
                print(f"    missed: {', '.join(missed)}")
    print(f"{len(cases)} cases of {options.cases}, {options.part}.")


def outcome(run: Run) -> Outcome:
    """Return what the analysis of a run said."""
    case = run.case
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        logs, errors = [case.logs], 0
        if run.mixed == HEALTHY:
            logs = [surrounded(case, folder)]
        elif run.other:
            errors = beside(case, run.other, folder)
            logs.append(folder)
        healthy = () if run.alone or case.baseline is None else (case.baseline,)
        request = AnalysisRequest(case.issue, tuple(logs), healthy, fast=True, llm=False)
        causes = analyze(request, without_memory(Settings())).diagnosis.causes
    judged = judge(case.truth, [answer_of(c) for c in causes])
    right = judged["service@1"] if judged["component@1"] is None else judged["component@1"]
    return Outcome(bool(right), bool(judged["type@1"]), bool(causes) and causes[0].confidence >= _CONFIDENT, errors)


def surrounded(case: TrueCase, folder: Path) -> Path:
    """Write a case's logs with the healthy stretch moved to directly before and to directly after them; return the folder."""
    assert case.baseline
    (first, last), (healthy_first, healthy_last) = span(case.logs), span(case.baseline)
    gap = timedelta(seconds=5)
    for source in sorted({p.relative_to(logs) for logs in (case.logs, case.baseline) for p in logs.rglob("*.gz")}):
        healthy, sick = (unpacked(logs / source) for logs in (case.baseline, case.logs))
        before, after = moved(healthy, first - gap - healthy_last), moved(healthy, last + gap - healthy_first)
        target = folder / source.with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(before + sick + after)
    return folder


def beside(case: TrueCase, other: TrueCase, folder: Path) -> int:
    """Write the logs of another incident's service, moved to the time of a case's fault; return their ERROR lines."""
    errors = 0
    for packed in sorted(other.logs.rglob(f"{OTHERS[other.id]}*.gz")):
        text = moved(unpacked(packed), start(case) - start(other))
        (folder / packed.stem).write_bytes(text)
        errors += text.count(b" ERROR ")
    return errors


def moved(text: bytes, by: timedelta) -> bytes:
    """Return a log with its times moved by so much."""

    def write(match: re.Match[bytes]) -> bytes:
        time = datetime.fromisoformat(f"{match[1].decode()} {match[3].decode()}") + by
        return time.strftime(f"%Y-%m-%d{match[2].decode()}%H:%M:%S").encode()

    return _TIME.sub(write, text)


def span(logs: Path) -> tuple[datetime, datetime]:
    """Return the first and the last time that the logs of a folder name at the begin of a line."""
    times = sorted(
        m[1] + b" " + m[3] for p in logs.rglob("*.gz") for line in unpacked(p).splitlines() if (m := _TIME.match(line))
    )
    return datetime.fromisoformat(times[0].decode()), datetime.fromisoformat(times[-1].decode())


def unpacked(path: Path) -> bytes:
    """Return the text of a packed log, ending with a line's end; nothing where there is none."""
    text = gzip.decompress(path.read_bytes()) if path.exists() else b""
    return text if not text or text.endswith(b"\n") else text + b"\n"


def start(case: TrueCase) -> datetime:
    """Return when the fault of a case began (UTC, without zone)."""
    return datetime.fromisoformat(str(case.truth["fault_start"])).replace(tzinfo=None)


if __name__ == "__main__":
    main()
