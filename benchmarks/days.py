"""Days: how often the cause is found when the logs hold other incidents on each of the days before, and healthy stretches."""

import argparse
import gzip
import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from openstack_rca.pipeline.analysis import AnalysisRequest, analyze
from openstack_rca.pipeline.cases import TrueCase, load_cases
from openstack_rca.pipeline.evaluation import answer_of, judge
from openstack_rca.pipeline.memory import without_memory
from openstack_rca.settings import Settings

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ISO = re.compile(rb"\b(\d{4})-(\d\d)-(\d\d)(?=[ T])")
_ACCESS = re.compile(rb"\b(\d\d)/([A-Z][a-z]{2})/(\d{4})(?=:)")
_SYSLOG = re.compile(rb"\b([A-Z][a-z]{2}) +(\d{1,2}) (?=\d\d:\d\d:\d\d)")
_CONFIDENT = 0.6


class Run(NamedTuple):
    """One case with the incidents of the days before; `named` says the time in the issue, `alone` leaves out the healthy logs."""

    case: TrueCase
    before: tuple[TrueCase, ...]
    named: bool
    alone: bool


class Outcome(NamedTuple):
    """Whether the first cause was right by component and by type, and whether it was told with confidence."""

    kind: str
    component: bool
    type: bool
    confident: bool


def main(argv: Sequence[str] | None = None) -> None:
    """Print how often the first cause is right: of a case alone, and at the end of several days."""
    parser = argparse.ArgumentParser(prog="scripts/bench days", description=__doc__)
    parser.add_argument("cases", nargs="?", type=Path, default=Path("examples/second-lab"))
    parser.add_argument("--days", type=int, default=4, help="so many days before, with one incident each (0: none)")
    parser.add_argument("--every", type=int, default=3, help="take every n-th case")
    parser.add_argument("--offset", type=int, default=0, help="begin with this case")
    options = parser.parse_args(argv)
    cases = [
        c for c in load_cases(options.cases, options.cases / "baseline-1" / "logs")
        if c.truth.get("fault_start") and (c.truth.get("root_cause_component") or c.truth.get("root_cause_service"))
    ]  # fmt: skip
    runs = []
    for case in cases[options.offset :: options.every]:
        others = [c for c in cases if c is not case and abs(start(c) - start(case)) < timedelta(hours=8)]
        before = tuple(random.Random(case.id).sample(others, min(options.days, len(others))))
        runs += [Run(case, (), False, False)]
        runs += [Run(case, before, named, alone) for named in (False, True) for alone in (False, True)]
    with ProcessPoolExecutor(2) as pool:
        outcomes = list(pool.map(outcome, runs))
    for kind in dict.fromkeys(o.kind for o in outcomes):
        mine = [o for o in outcomes if o.kind == kind]
        sure = [o for o in mine if o.confident]
        component, kinds = (
            sum(right) / len(mine) for right in zip(*((o.component, o.type) for o in mine), strict=True)
        )
        wrong = sum(not o.component for o in sure)
        print(f"{kind:<48} component@1 {component:.3f}  type@1 {kinds:.3f}  confident and wrong {wrong} of {len(sure)}")
    print(f"{len(runs) // 5} cases of {options.cases}.")


def outcome(run: Run) -> Outcome:
    """Return what the analysis of a run said."""
    case, issue = run.case, run.case.issue
    with tempfile.TemporaryDirectory() as name:
        logs = several_days(run, Path(name)) if run.before else case.logs
        if run.named:
            issue += f" It began at about {start(case) + timedelta(seconds=20):%Y-%m-%d %H:%M}."
        healthy = () if run.alone or case.baseline is None else (case.baseline,)
        request = AnalysisRequest(issue, (logs,), healthy, fast=True, llm=False)
        causes = analyze(request, without_memory(Settings())).diagnosis.causes
    judged = judge(case.truth, [answer_of(c) for c in causes])
    right = judged["service@1"] if judged["component@1"] is None else judged["component@1"]
    kind = "the incident alone" if not run.before else (
        f"{len(run.before)} days with others before"
        + (", time named" if run.named else "") + (", no healthy logs" if run.alone else "")
    )  # fmt: skip
    return Outcome(kind, bool(right), bool(judged["type@1"]), bool(causes) and causes[0].confidence >= _CONFIDENT)


def several_days(run: Run, folder: Path) -> Path:
    """Write the logs of a case with, on each day before, a healthy stretch and one of the other incidents; return the folder."""
    days = len(run.before)
    layers = [(other.logs, days - n) for n, other in enumerate(run.before)] + [(run.case.logs, 0)]
    if run.case.baseline:
        layers += [(run.case.baseline, n) for n in range(days + 1)]
    texts: dict[Path, list[tuple[int, bytes]]] = defaultdict(list)
    for logs, age in layers:
        for packed in sorted(logs.rglob("*.gz")):
            text = gzip.decompress(packed.read_bytes())
            texts[packed.relative_to(logs).with_suffix("")].append((-age, earlier(text, age)))
    for name, parts in texts.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(
            b"".join(t if t.endswith(b"\n") else t + b"\n" for _, t in sorted(parts, key=lambda p: p[0]))
        )
    return folder


def earlier(text: bytes, days: int) -> bytes:
    """Return a log with its dates so many days earlier, in the forms of oslo.log, of access logs and of syslog."""
    if not days:
        return text
    year = int(match[1]) if (match := _ISO.search(text)) else 2026
    back = partial(_back, days)
    text = _ISO.sub(lambda m: back(m, int(m[1]), int(m[2]), int(m[3]), lambda d: d.isoformat()), text)
    text = _ACCESS.sub(
        lambda m: back(m, int(m[3]), _month(m[2]), int(m[1]), lambda d: f"{d.day:02}/{_MONTHS[d.month - 1]}/{d.year}"),
        text,
    )
    return _SYSLOG.sub(
        lambda m: back(m, year, _month(m[1]), int(m[2]), lambda d: f"{_MONTHS[d.month - 1]} {d.day:2} "), text
    )


def _back(days: int, match: re.Match[bytes], year: int, month: int, day: int, form: Callable[[date], str]) -> bytes:
    try:
        return form(date(year, month, day) - timedelta(days=days)).encode()
    except ValueError:  # looks like a date and is none
        return match[0]


def _month(name: bytes) -> int:
    return _MONTHS.index(name.decode()) + 1 if name.decode() in _MONTHS else 0


def start(case: TrueCase) -> datetime:
    """Return when the fault of a case began (UTC, without zone)."""
    return datetime.fromisoformat(str(case.truth["fault_start"])).replace(tzinfo=None)


if __name__ == "__main__":
    main()
