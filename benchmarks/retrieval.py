"""Retrieval: which signals, and which fusion of them, bring the lines of evidence to the top (ablation)."""

import argparse
import itertools
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from openstack_rca.classify import Samples, find
from openstack_rca.features import NAMES, Baseline, compute, time_ranks, window_numbers
from openstack_rca.parsing import LogParser
from openstack_rca.pipeline.cases import TrueCase, is_held_back, load_cases
from openstack_rca.pipeline.training import train
from openstack_rca.records import LEVELS
from openstack_rca.retrieval.embeddings import MiniLmEmbedder, open_embedder
from openstack_rca.retrieval.fusion import Signal, Signals, fuse, reciprocal_rank, weighted_sum
from openstack_rca.retrieval.tfidf import TfidfIndex
from openstack_rca.settings import Settings
from openstack_rca.sources import PathSource
from openstack_rca.templates import DrainMiner

EXAMPLES = Path("examples/incidents")
SIGNALS = ("lstm", "vector", "tfidf")
STEPS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
"""Weights that are tried."""

NOTHING = Path("no models of my own")


@dataclass(frozen=True)
class Candidates:
    """A case as what may be shown: one line per file and template, the first of the highest level.

    `level` counts from 0 (DEBUG), `answers` holds for each line the numbers of the evidence items that it matches.
    """

    id: str
    signals: Signals
    level: Signal
    answers: tuple[frozenset[int], ...]
    items: int


Order = Callable[[Candidates], Signal]
Method = Callable[[Signals, Mapping[str, float]], Signal]
Scores = NDArray[np.float64]
"""A row per case: evidence recall at 20, at 50, and the reciprocal rank of the first line of evidence."""


def main(argv: Sequence[str] | None = None) -> None:
    """Print the ablation for the cases of a folder."""
    parser = argparse.ArgumentParser(prog="scripts/bench retrieval", description=__doc__)
    parser.add_argument("cases", nargs="?", type=Path, default=EXAMPLES)
    parser.add_argument("--baseline", type=Path, default=EXAMPLES / "baseline-1" / "logs")
    parser.add_argument("--model", choices=("lstm", "mlp"), default="lstm")
    parser.add_argument(
        "--folds", type=int, default=5, help="models trained anew for the development cases (5 minutes); 0: as shipped"
    )
    options = parser.parse_args(argv)
    started = time.perf_counter()
    found = [case for case in load_cases(options.cases, options.baseline) if case.truth.get("evidence")]
    with tempfile.TemporaryDirectory() as folder:
        models = trained_without(found, options.baseline, options.folds, Path(folder)) if options.folds else {}
        embedder = open_embedder()
        cases = [read_case(case, embedder, options.model, models.get(case.id, NOTHING)) for case in found]
    print(
        f"{len(cases)} cases, {sum(c.items for c in cases)} lines of evidence, {time.perf_counter() - started:.0f} s."
    )
    whose = f"by {options.folds} models, each without the cases that it scores" if models else "by the one that ships"
    print(f"Learned score: {options.model}. Cases held back: by the one that ships; development cases: {whose},")
    print("and weights tuned without the case" + ("." if models else " (SEEN by the model: flattered)."))
    table(cases, orders([case for case in cases if not is_held_back(case.id)]))


def table(cases: Sequence[Candidates], compared: Mapping[str, Order]) -> None:
    """Print the scores of each order, and how far what ships is from it: the mean of the three, with 90 % interval."""
    held, development = ([c for c in cases if is_held_back(c.id) == part] for part in (True, False))
    shipped = scores(cases, compared["shipped, full mode"]).mean(axis=1)
    heads = [f"{name} ({len(part)}, {sum(c.items for c in part)} lines)" for name, part in (
        ("held back", held), ("development", development), ("all", cases))]  # fmt: skip
    print(f"\n{'':50}" + "".join(f"{head:28}" for head in heads) + "shipped is better by")
    print(f"{'':50}" + f"{'@20    @50    MRR':28}" * 3 + "mean of the three")
    for name, order in compared.items():
        cells = [
            "  ".join(f"{value:.3f}" for value in scores(part, order).mean(axis=0))
            for part in (held, development, cases)
        ]
        gain = shipped - scores(cases, order).mean(axis=1)
        print(f"{name:50}" + "".join(f"{cell:28}" for cell in cells) + (interval(gain) if gain.any() else "-"))


def interval(gain: NDArray[np.float64], draws: int = 10_000) -> str:
    """Return the mean of a gain over cases with its 90 % interval, by drawing cases anew (Efron 1979)."""
    chosen = np.random.default_rng(0).integers(len(gain), size=(draws, len(gain)))
    low, high = np.quantile(gain[chosen].mean(axis=1), [0.05, 0.95])
    verdict = "better" if low > 0 else "worse" if high < 0 else "within noise"
    return f"{gain.mean():+.3f} ({low:+.3f} to {high:+.3f})  {verdict}"


def orders(tuning: Sequence[Candidates]) -> dict[str, Order]:
    """Return the orders to compare: trivial ones, what ships, and each set of signals with its best weights."""
    found: dict[str, Order] = {
        "ceiling: every candidate shown": lambda case: np.array([float(bool(a)) for a in case.answers]),
        "order of reading": lambda case: -np.arange(len(case.answers), dtype=float),
        "level first, then TF-IDF": lambda case: case.level * 10 + case.signals["tfidf"],
        "shipped, fast mode": lambda case: fuse({name: case.signals[name] for name in ("lstm", "tfidf")}),
        "shipped, full mode": lambda case: fuse(case.signals),
        **{name: lambda case, name=name: case.signals[name] for name in SIGNALS},  # type: ignore[misc]
    }
    for count in (2, 3):
        for chosen in itertools.combinations(SIGNALS, count):
            for method in (weighted_sum, reciprocal_rank):
                label, order = tuned(tuning, chosen, method)
                found[label] = order
    return found


def tuned(cases: Sequence[Candidates], chosen: Sequence[str], method: Method) -> tuple[str, Order]:
    """Return the fusion whose weights serve the cases best, by the mean of the three scores; and what it is called.

    For one of these cases it takes the weights that serve the others best.
    """
    tried = [
        dict(zip(chosen, values, strict=True))
        for values in itertools.product(STEPS, repeat=len(chosen))
        if max(values) == 1.0
    ]
    got = np.array([scores(cases, fused(method, weights)).mean(axis=1) for weights in tried])  # weights × cases
    best = tried[int(np.argmax(got.mean(axis=1)))]
    without = {case.id: tried[int(np.argmax(np.delete(got, at, axis=1).mean(axis=1)))] for at, case in enumerate(cases)}
    label = " + ".join(f"{weight:.1f} {name}" for name, weight in best.items())
    how = {weighted_sum: "sum", reciprocal_rank: "ranks"}[method]
    return f"{label} ({how})", lambda case: fused(method, without.get(case.id, best))(case)


def fused(method: Method, weights: Mapping[str, float]) -> Order:
    """Return the order that a fusion of the weighted signals gives."""
    return lambda case: method({name: case.signals[name] for name in weights}, weights)


def scores(cases: Sequence[Candidates], order: Order) -> Scores:
    """Score an order on cases; ties keep the order of reading."""
    rows = []
    for case in cases:
        best = np.argsort(-order(case), kind="stable")
        found = [len(frozenset().union(*(case.answers[i] for i in best[:k]))) for k in (20, 50)]
        first = next((n for n, i in enumerate(best, 1) if case.answers[i]), None)
        rows.append((found[0] / case.items, found[1] / case.items, 1 / first if first else 0.0))
    return np.array(rows)


def trained_without(cases: Sequence[TrueCase], baseline: Path, folds: int, folder: Path) -> dict[str, Path]:
    """Return for each development case the folder of models that were trained on those of the other folds."""
    learned = sorted((c for c in cases if not is_held_back(c.id)), key=lambda c: sha256(c.id.encode()).digest())
    models = {}
    for fold in range(folds):
        left_out = learned[fold::folds]
        known = folder / f"cases-{fold}"
        (known / "baseline").mkdir(parents=True)
        (known / "baseline" / "logs").symlink_to(baseline.resolve())
        for case in learned:
            if case not in left_out:
                (known / case.id).symlink_to(case.folder.resolve())
        models |= dict.fromkeys((c.id for c in left_out), folder / f"models-{fold}")
        train(Settings(models_dir=folder / f"models-{fold}"), cases=[known])
        print(f"trained without fold {fold + 1} of {folds}", flush=True)
    return models


def read_case(case: TrueCase, embedder: MiniLmEmbedder, model: str, models: Path) -> Candidates:
    """Parse a case and its baseline and compute the signals of its candidates."""
    miner = DrainMiner()
    assert case.baseline is not None
    read = [miner.assign(LogParser().parse(PathSource([path]).files()).table) for path in (case.baseline, case.logs)]
    healthy, table = (miner.refresh(part) for part in read)
    table = table.with_columns(lstm=learned(table, healthy, model, models))
    groups = table.group_by("file", "template", maintain_order=True).agg(
        pl.col("line").sort_by("level", "line", descending=[True, False]).first(),
        pl.col("level").max(),
        pl.col("lstm").max(),
    )
    texts = [miner.templates[t].text for t in groups["template"].cast(pl.String)]
    vectors = embedder.embed([case.issue, *texts])
    signals = {
        "lstm": groups["lstm"].to_numpy().astype(float),
        "vector": np.clip(vectors[1:] @ vectors[0], 0, 1).astype(float),
        "tfidf": TfidfIndex(texts).scores(case.issue),
    }
    level = groups["level"].cast(pl.String).replace_strict({name: i for i, name in enumerate(LEVELS)})
    items = case.truth.get("evidence") or []
    return Candidates(case.id, signals, level.to_numpy().astype(float), answers(case, groups, items), len(items))


def learned(table: pl.DataFrame, healthy: pl.DataFrame, model: str, models: Path) -> pl.Series:
    """Return the score of the classifier in a folder; of the one that ships when there is none."""
    samples = Samples.of(
        NAMES,
        compute(table, Baseline.of(healthy)),
        table["template"].cast(pl.String).to_list(),
        window_numbers(table),
        time_ranks(table),
    )
    return pl.Series(find(models, model).score(samples))


def answers(case: TrueCase, groups: pl.DataFrame, items: Sequence[Mapping[str, str]]) -> tuple[frozenset[int], ...]:
    """Return the evidence items that the line of each candidate matches, as it stands in its file."""
    files = {
        file.name: b"".join(file.chunks()).decode(errors="replace").splitlines()
        for file in PathSource([case.logs]).files()
    }
    found = []
    for name, number in zip(groups["file"].cast(pl.String), groups["line"], strict=True):
        line = files[name][number - 1]
        plain = name.removesuffix(".gz")
        found.append(
            frozenset(
                n
                for n, item in enumerate(items)
                if plain.endswith(item["file"]) and re.search(item["line_regex"], line)
            )
        )
    return tuple(found)


if __name__ == "__main__":
    main()
