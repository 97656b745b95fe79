"""Distractors: how often the cause is still found with healthy stretches around it, or beside a loud failure of another service."""

import argparse
import gzip
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from benchmarks.days import start

from openstack_rca.pipeline.analysis import AnalysisRequest, analyze
from openstack_rca.pipeline.cases import TrueCase, load_cases
from openstack_rca.pipeline.evaluation import answer_of, judge
from openstack_rca.pipeline.memory import without_memory
from openstack_rca.settings import Settings

_TIME = re.compile(rb"\b(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d:\d\d)")
_CONFIDENT = 0.6
_EXAMPLES = Path("examples")
PLAIN, HEALTHY = "as it is", "healthy stretches around it"


class Other(NamedTuple):
    """A real failure of another service: its case, the programs whose logs are mixed in, and words of issues that may mean it."""

    case: str
    programs: str
    words: str


OTHERS = {
    "heat fails beside it": Other("more-services/heat-domain-admin-password", "heat", "stack"),
    "octavia fails beside it": Other("more-services/octavia-ca-passphrase", "octavia", "balancer"),
    "manila fails beside it": Other("more-services/manila-max-user-connections", "manila", "share"),
    "cinder fails beside it": Other("incidents/cinder-schema-old", "cinder", "volume"),
    "glance fails beside it": Other("second-lab/glance-db-user-locked", "glance", "image"),
    "neutron fails beside it": Other(
        "second-lab/neutron-max-user-connections", "neutron-server", "network|port|address|reach"
    ),
    "a bug in cinder beside it": Other("second-lab/code-cinder-_notify_about_volume_usage", "cinder", "volume|attach"),
    "a bug in glance beside it": Other("second-lab/code-glance-_upload_to_store", "glance", "image|snapshot"),
}


class Run(NamedTuple):
    """One case, what is mixed into its logs, and whether the healthy logs are kept back."""

    case: TrueCase
    mixed: str
    alone: bool


class Outcome(NamedTuple):
    """What the analysis of a case said: its first component and kind right or not, told with confidence or not; the ERRORs mixed in."""

    component: bool
    type: bool
    confident: bool
    errors: int


def main(argv: Sequence[str] | None = None) -> None:
    """Print how often the first cause is right, by what was mixed into the logs, beside the same cases as they are."""
    parser = argparse.ArgumentParser(prog="scripts/bench distractors", description=__doc__)
    parser.add_argument("cases", nargs="?", type=Path, default=_EXAMPLES / "incidents")
    parser.add_argument("--part", choices=("development", "held-back", "all"), default="development")
    parser.add_argument("--every", type=int, default=1, help="take every n-th case")
    options = parser.parse_args(argv)
    found = load_cases(options.cases, options.cases / "baseline-1" / "logs", options.part)
    cases = [c for c in found if c.truth.get("fault_start")][:: options.every]
    runs = [
        Run(case, mixed, alone)
        for alone in (False, True)
        for mixed in (PLAIN, HEALTHY, *OTHERS)
        for case in cases
        if mixed not in OTHERS or unrelated(case, OTHERS[mixed])
    ]
    with ProcessPoolExecutor(2) as pool:
        outcomes = dict(zip(((r.case.id, r.mixed, r.alone) for r in runs), pool.map(outcome, runs), strict=True))
    for alone in (False, True):
        print("Without healthy logs" if alone else "With healthy logs")
        for mixed in (PLAIN, HEALTHY, *OTHERS):
            if ids := [r.case.id for r in runs if (r.mixed, r.alone) == (mixed, alone)]:
                print_row(
                    mixed, ids, [outcomes[i, mixed, alone] for i in ids], [outcomes[i, PLAIN, alone] for i in ids]
                )
    print(f"{len(cases)} cases of {options.cases}, {options.part}.")


def print_row(mixed: str, ids: Sequence[str], found: Sequence[Outcome], plain: Sequence[Outcome]) -> None:
    """Print the scores of one kind of mixture, those of the same cases as they are in brackets, and which got worse."""
    scores = [
        f"{name} {sum(getattr(o, field) for o in found) / len(ids):.3f} ({sum(getattr(o, field) for o in plain) / len(ids):.3f})"
        for name, field in (("component@1", "component"), ("type@1", "type"))
    ]
    sure = [o for o in found if o.confident]
    wrong = f"confident and wrong {sum(not o.component for o in sure)} of {len(sure)}"
    print(
        f"  {mixed:<28} {'  '.join(scores)}  {wrong}  {len(ids)} cases, {min(o.errors for o in found):,} ERRORs mixed in"
    )
    worse = [i for i, o, p in zip(ids, found, plain, strict=True) if (o.component, o.type) < (p.component, p.type)]
    if worse:
        print(f"    worse: {', '.join(worse)}")


def unrelated(case: TrueCase, other: Other) -> bool:
    """Say whether a case has nothing to do with a failure: neither its cause nor its issue names that service."""
    service = other.programs.split("-")[0]
    truth = f"{case.truth.get('root_cause_service', '')} {case.truth.get('root_cause_component', '')}"
    return service not in truth and not re.search(f"{service}|{other.words}", case.issue, re.IGNORECASE)


def outcome(run: Run) -> Outcome:
    """Return what the analysis of a run said."""
    case = run.case
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        logs, errors = [case.logs], 0
        if run.mixed == HEALTHY:
            logs = [surrounded(case, folder)]
        elif run.mixed in OTHERS:
            errors = beside(case, OTHERS[run.mixed], folder)
            logs.append(folder)
        healthy = () if run.alone or case.baseline is None else (case.baseline,)
        request = AnalysisRequest(case.issue, tuple(logs), healthy, fast=True, llm=False)
        causes = analyze(request, without_memory(Settings())).diagnosis.causes
    judged = judge(case.truth, [answer_of(c) for c in causes])
    right = judged["service@1"] if judged["component@1"] is None else judged["component@1"]
    sure = bool(causes) and causes[0].confidence >= _CONFIDENT
    return Outcome(bool(right), bool(judged["type@1"]), sure, errors)


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


def beside(case: TrueCase, other: Other, folder: Path) -> int:
    """Write the logs of another incident's service, moved to the time of a case's fault; return their ERROR lines."""
    (loud,) = load_cases(_EXAMPLES / other.case)
    errors = 0
    for packed in sorted(loud.logs.rglob(f"{other.programs}*.gz")):
        text = moved(unpacked(packed), start(case) - start(loud))
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


if __name__ == "__main__":
    main()
