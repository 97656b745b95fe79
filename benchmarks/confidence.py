"""Confidence: the scale that makes it a probability, fitted on development cases, and how reliable it is on both parts."""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from openstack_rca.diagnosis.confidence import calibrated
from openstack_rca.diagnosis.offline import standing, suspected
from openstack_rca.pipeline.analysis import AnalysisRequest, Stopwatch, prepare
from openstack_rca.pipeline.cases import load_cases
from openstack_rca.pipeline.evaluation import answer_of, judge
from openstack_rca.settings import Settings

LAB, SECOND = Path("examples/incidents"), Path("examples/second-lab")
HEALTHY, SECOND_HEALTHY = LAB / "baseline-1" / "logs", SECOND / "baseline-1" / "logs"
OPEN_QUESTION = "Is anything wrong?"
_BINS = 5


class Run(NamedTuple):
    """One analysis to make: of a case with its truth, or of healthy logs (none)."""

    kind: str
    request: AnalysisRequest
    truth: Any


class Outcome(NamedTuple):
    """How far the first cause stood out, whether it was right, and whether the analysis concluded nothing."""

    kind: str
    lead: float
    right: bool
    inconclusive: bool


def main(argv: Sequence[str] | None = None) -> None:
    """Fit the scale on the development cases, and print how reliable the shipped one is on each part."""
    parser = argparse.ArgumentParser(prog="scripts/bench confidence", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fault-injection"))
    options = parser.parse_args(argv)
    if not options.data.is_dir():
        print(f"No {options.data}: only the lab cases are looked at.")
    for part in ("development", "held-back"):
        with ProcessPoolExecutor(2) as pool:
            outcomes = list(pool.map(outcome, runs(part, options.data)))
        print(f"== {part}")
        for kind, number in Counter(o.kind for o in outcomes).items():
            mine = [o for o in outcomes if o.kind == kind]
            right, silent = sum(o.right for o in mine), sum(o.inconclusive for o in mine)
            print(f"{kind:<24}{number:>4} runs, first cause right in {right}, inconclusive {silent}")
        if part == "development":
            slope, offset, lapse = fit(outcomes)
            print(f"fitted here: slope {slope:.2f}, offset {offset:.2f}, lapse {lapse:.3f}")
        print(table(outcomes))


def runs(part: str, data: Path) -> Iterator[Run]:
    """Yield each case with and without its healthy logs, and healthy logs alone and beside those of another day."""
    for name, folder, healthy in (("lab", LAB, HEALTHY), ("second lab", SECOND, SECOND_HEALTHY)):
        for case in load_cases(folder, healthy, part):
            for kind, baseline in ((name, (healthy,)), (f"{name} alone", ())):
                yield Run(kind, AnalysisRequest(case.issue, (case.logs,), baseline, fast=True, llm=False), case.truth)
    yield Run("healthy", AnalysisRequest(OPEN_QUESTION, (HEALTHY,), fast=True, llm=False), None)
    cases = [c for c in load_cases(data, None, part) if c.baseline] if data.is_dir() else []
    for number, case in enumerate(cases):
        own, other = case.baseline, cases[(number + 5) % len(cases)].baseline
        assert own
        assert other
        yield Run(
            "fault injection", AnalysisRequest(case.issue, (case.logs,), (own,), fast=True, llm=False), case.truth
        )
        yield Run(
            "fault injection alone",
            AnalysisRequest(case.issue, (case.logs,), fast=True, level="INFO", llm=False), case.truth,
        )  # fmt: skip
        if number % 2 == 0:
            yield Run("healthy", AnalysisRequest(OPEN_QUESTION, (own,), fast=True, llm=False), None)
            yield Run("healthy", AnalysisRequest(OPEN_QUESTION, (own,), (other,), fast=True, llm=False), None)


def outcome(run: Run) -> Outcome:
    """Return what an analysis said; without any cause the lead is the least that there is."""
    case, report = prepare(run.request, Settings(), Stopwatch(lambda stage: None))
    lead = max(standing(suspected(case)[: Settings().analysis.max_causes])[:1], default=0.02)
    judged = judge(run.truth or {}, [answer_of(c) for c in report.diagnosis.causes])
    right = judged["service@1"] if judged["component@1"] is None else judged["component@1"]
    return Outcome(run.kind, lead, bool(right), report.diagnosis.inconclusive)


def fit(outcomes: Sequence[Outcome]) -> tuple[float, float, float]:
    """Return slope, offset and lapse of greatest likelihood; every kind of run weighs the same."""
    numbers = Counter(o.kind for o in outcomes)
    weights = np.array([1 / numbers[o.kind] for o in outcomes])
    odds, right = logit(np.array([o.lead for o in outcomes])), np.array([o.right for o in outcomes])

    def loss(parameters: Any) -> float:
        slope, offset, lapse = parameters
        p = np.clip((1 - expit(lapse)) * expit(slope * odds + offset), 1e-6, 1 - 1e-6)
        return -float((weights * np.where(right, np.log(p), np.log(1 - p))).sum())

    found = minimize(loss, (1.0, 0.0, -3.0), method="Nelder-Mead").x
    return float(found[0]), float(found[1]), float(expit(found[2]))


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the reliability of the shipped scale: stated confidence beside the share of right first causes."""
    stated = np.array([calibrated(o.lead) for o in outcomes])
    right = np.array([o.right for o in outcomes])
    bins = np.minimum(_BINS - 1, (stated * _BINS).astype(int))
    lines = ["stated   right   runs"]
    for number in range(_BINS):
        held = bins == number
        if held.any():
            lines.append(f"{stated[held].mean():>6.2f}{right[held].mean():>8.2f}{held.sum():>7}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
