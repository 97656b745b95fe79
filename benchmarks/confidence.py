"""Confidence: the scale that makes it a probability, how it is fitted, and how reliable it is on what was not used for that.

Incidents that rules were made for are told better than the next ones will be. So `first_sight.csv` keeps how each campaign of
incidents was judged by the code of the day it arrived, before anybody looked at it: a row a run with what the scale sees.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from openstack_rca.diagnosis.confidence import calibrated, is_defect, margins, standing
from openstack_rca.diagnosis.offline import suspected
from openstack_rca.pipeline.analysis import AnalysisRequest, Stopwatch, prepare
from openstack_rca.pipeline.cases import load_cases
from openstack_rca.pipeline.evaluation import answer_of, judge
from openstack_rca.settings import Settings

LAB, SECOND = Path("examples/incidents"), Path("examples/second-lab")
HEALTHY, SECOND_HEALTHY = LAB / "baseline-1" / "logs", SECOND / "baseline-1" / "logs"
FIRST_SIGHT = Path(__file__).with_name("first_sight.csv")
OPEN_QUESTION = "Is anything wrong?"
_BINS = 5


class Run(NamedTuple):
    """One analysis to make: of a case with its truth, or of healthy logs (none)."""

    kind: str
    request: AnalysisRequest
    truth: Any


class Outcome(NamedTuple):
    """What the scale sees of a first cause, whether it was right, and whether the analysis concluded nothing."""

    kind: str
    lead: float
    margin: float
    defect: bool
    right: bool
    inconclusive: bool


def main(argv: Sequence[str] | None = None) -> None:
    """Fit the scale, and print how reliable the fitted and the shipped one are."""
    parser = argparse.ArgumentParser(prog="scripts/bench confidence", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fault-injection"))
    options = parser.parse_args(argv)
    if not options.data.is_dir():
        print(f"No {options.data}: only the lab cases are looked at, and the fit lacks the fault injections.")
    unseen = list(first_sight())
    for part in ("development", "held-back"):
        with ProcessPoolExecutor(2) as pool:
            outcomes = list(pool.map(outcome, runs(part, options.data)))
        print(f"== {part}")
        for kind, number in Counter(o.kind for o in outcomes).items():
            mine = [o for o in outcomes if o.kind == kind]
            right, silent = sum(o.right for o in mine), sum(o.inconclusive for o in mine)
            print(f"{kind:<24}{number:>4} runs, first cause right in {right}, inconclusive {silent}")
        print(table(outcomes, shipped(outcomes)))
        if part == "development":
            fit([*unseen, *(o for o in outcomes if o.kind.startswith(("fault injection", "healthy")))])


def first_sight() -> Iterator[Outcome]:
    """Yield how each incident was judged when it had just been recorded; its kind is the campaign."""
    with FIRST_SIGHT.open(newline="") as lines:
        for row in csv.DictReader(lines):
            defect, right, concluded = (bool(int(row[name])) for name in ("defect", "right", "concluded"))
            yield Outcome(row["campaign"], float(row["lead"]), float(row["margin"]), defect, right, not concluded)


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
    kept = suspected(case)[: Settings().analysis.max_causes]
    lead, margin = (standing(kept)[0], margins(kept)[0]) if kept else (0.02, 0.0)
    judged = judge(run.truth or {}, [answer_of(c) for c in report.diagnosis.causes])
    right = judged["service@1"] if judged["component@1"] is None else judged["component@1"]
    defect = bool(kept) and is_defect(kept[0])
    return Outcome(run.kind, lead, margin, defect, bool(right), report.diagnosis.inconclusive)


def fit(outcomes: Sequence[Outcome]) -> None:
    """Print the scale of greatest likelihood, and how reliable it is on each campaign when fitted on all others."""
    seen = np.array([[logit(o.lead), o.margin, o.defect, 1.0] for o in outcomes])
    right = np.array([o.right for o in outcomes])
    slope, margin, defect, offset, lapse = scale(seen, right)
    print(
        f"fitted: slope {slope:.2f}, margin {margin:.2f}, defect {defect:.2f}, offset {offset:.2f}, "
        f"lapse {expit(lapse):.3f}"
    )
    kinds = np.array([o.kind.removesuffix(" alone") for o in outcomes])
    told = np.empty(len(outcomes))
    for kind in np.unique(kinds):
        held = kinds == kind
        told[held] = probability(scale(seen[~held], right[~held]), seen[held])
    print("each campaign by what was fitted on the others:")
    print(table(outcomes, told))
    for kind in dict.fromkeys(kinds):
        held = kinds == kind
        print(f"{kind:<36}{held.sum():>4} runs, stated {told[held].mean():.2f}, right {right[held].mean():.2f}")


def scale(seen: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the weights of what is seen and the lapse (as log odds) of greatest likelihood."""

    def loss(parameters: NDArray[np.float64]) -> float:
        p = np.clip(probability(parameters, seen), 1e-6, 1 - 1e-6)
        return -float(np.where(right, np.log(p), np.log(1 - p)).sum())

    return np.asarray(minimize(loss, (1.0, 1.0, 0.0, 0.0, -2.0), method="BFGS").x)


def probability(parameters: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of each row: that of a logistic regression, less a share in which even the clearest is wrong."""
    return np.asarray((1 - expit(parameters[-1])) * expit(seen @ parameters[:-1]))


def shipped(outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    """Return the confidence that the shipped scale gives each."""
    return np.array([calibrated(o.lead, o.margin, o.defect) for o in outcomes])


def table(outcomes: Sequence[Outcome], stated: NDArray[np.float64]) -> str:
    """Return how reliable stated confidences are: their mean beside the share of right first causes, by fifths of the scale."""
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
