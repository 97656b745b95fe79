"""Retrieval: which signals, and which fusion of them, bring the lines of evidence to the top (ablation)."""

import argparse
import itertools
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from openstack_rca.classify import Samples, find
from openstack_rca.features import NAMES, Baseline, compute, time_ranks, window_numbers
from openstack_rca.parsing import LogParser
from openstack_rca.pipeline.cases import TrueCase, is_held_back, load_cases
from openstack_rca.records import LEVELS
from openstack_rca.retrieval.embeddings import MiniLmEmbedder, open_embedder
from openstack_rca.retrieval.fusion import Signal, Signals, fuse, reciprocal_rank, weighted_sum
from openstack_rca.retrieval.tfidf import TfidfIndex
from openstack_rca.sources import PathSource
from openstack_rca.templates import DrainMiner

EXAMPLES = Path("examples/incidents")
STEPS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
"""Weights that are tried."""


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


@dataclass(frozen=True)
class Score:
    """Evidence recall at 20 and 50 and mean reciprocal rank, averaged over cases."""

    recall_20: float
    recall_50: float
    mrr: float

    def __str__(self) -> str:
        return f"{self.recall_20:9.3f} {self.recall_50:9.3f} {self.mrr:7.3f}"


Order = Callable[[Candidates], Signal]
Method = Callable[[Signals, Mapping[str, float]], Signal]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the ablation for the cases of a folder."""
    parser = argparse.ArgumentParser(prog="scripts/bench retrieval", description=__doc__)
    parser.add_argument("cases", nargs="?", type=Path, default=EXAMPLES)
    parser.add_argument("--baseline", type=Path, default=EXAMPLES / "baseline-1" / "logs")
    parser.add_argument("--model", choices=("lstm", "mlp"), default="lstm")
    options = parser.parse_args(argv)
    started = time.perf_counter()
    embedder = open_embedder()
    read = [read_case(case, embedder, options.model) for case in load_cases(options.cases, options.baseline)]
    cases = [case for case in read if case.items]
    held, tuning = ([case for case in cases if is_held_back(case.id) == part] for part in (True, False))
    print(f"{len(cases)} cases, {sum(c.items for c in cases)} evidence items, {time.perf_counter() - started:.0f} s")
    print(f"{'':50}held back ({len(held)} cases)            tuned on ({len(tuning)} cases)")
    print(f"{'':50}recall@20 recall@50     MRR   recall@20 recall@50     MRR")
    for name, order in orders(tuning).items():
        print(f"{name:49} {score(held, order)}   {score(tuning, order)}")


def orders(tuning: Sequence[Candidates]) -> dict[str, Order]:
    """Return the orders to compare: trivial ones, what ships, and each set of signals with its best weights."""
    found: dict[str, Order] = {
        "ceiling: every candidate shown": lambda case: np.array([float(bool(a)) for a in case.answers]),
        "order of reading": lambda case: -np.arange(len(case.answers), dtype=float),
        "level first, then TF-IDF": lambda case: case.level * 10 + case.signals["tfidf"],
        "shipped, fast mode": lambda case: fuse({name: case.signals[name] for name in ("lstm", "tfidf")}),
        "shipped, full mode": lambda case: fuse(case.signals),
    }
    for count in (1, 2, 3):
        for chosen in itertools.combinations(("lstm", "vector", "tfidf"), count):
            for method in (weighted_sum, reciprocal_rank)[: 1 if count == 1 else 2]:
                weights = tuned(tuning, chosen, method)
                label = " + ".join(f"{weight:.1f} {name}" for name, weight in weights.items())
                found[f"{label} ({method.__name__})" if count > 1 else chosen[0]] = fused(method, weights)
    return found


def fused(method: Method, weights: Mapping[str, float]) -> Order:
    """Return the order that a fusion of the weighted signals gives."""
    return lambda case: method({name: case.signals[name] for name in weights}, weights)


def tuned(cases: Sequence[Candidates], chosen: Sequence[str], method: Method) -> dict[str, float]:
    """Return the weights that serve the cases best, by the mean of the three scores."""
    tried = [
        dict(zip(chosen, values, strict=True))
        for values in itertools.product(STEPS, repeat=len(chosen))
        if max(values) == 1.0
    ]
    got = [score(cases, fused(method, weights)) for weights in tried]
    return tried[int(np.argmax([s.recall_20 + s.recall_50 + s.mrr for s in got]))]


def score(cases: Sequence[Candidates], order: Order) -> Score:
    """Score an order on cases; ties keep the order of reading."""
    rows = []
    for case in cases:
        best = np.argsort(-order(case), kind="stable")
        found = [len(frozenset().union(*(case.answers[i] for i in best[:k]))) for k in (20, 50)]
        first = next((n for n, i in enumerate(best, 1) if case.answers[i]), None)
        rows.append((found[0] / case.items, found[1] / case.items, 1 / first if first else 0.0))
    means = np.mean(rows, axis=0)
    return Score(float(means[0]), float(means[1]), float(means[2]))


def read_case(case: TrueCase, embedder: MiniLmEmbedder, model: str) -> Candidates:
    """Parse a case and its baseline and compute the signals of its candidates."""
    miner = DrainMiner()
    assert case.baseline is not None
    read = [miner.assign(LogParser().parse(PathSource([path]).files()).table) for path in (case.baseline, case.logs)]
    healthy, table = (miner.refresh(part) for part in read)
    table = table.with_columns(lstm=learned(table, healthy, model))
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


def learned(table: pl.DataFrame, healthy: pl.DataFrame, model: str) -> pl.Series:
    """Return the score of the classifier that ships; it was trained on the cases that are not held back."""
    samples = Samples.of(
        NAMES,
        compute(table, Baseline.of(healthy)),
        table["template"].cast(pl.String).to_list(),
        window_numbers(table),
        time_ranks(table),
    )
    return pl.Series(find(Path("no models of my own"), model).score(samples))


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
