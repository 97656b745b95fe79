"""Retrieval: which signals, and which fusion of them, bring the lines of evidence to the top (ablation)."""

import argparse
import gzip
import itertools
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray

from openstack_rca.parsing import LogParser
from openstack_rca.records import LEVELS
from openstack_rca.retrieval.embeddings import MiniLmEmbedder, open_embedder
from openstack_rca.retrieval.fusion import fuse, reciprocal_rank, weighted_sum
from openstack_rca.retrieval.tfidf import TfidfIndex
from openstack_rca.sources import PathSource
from openstack_rca.templates import DrainMiner

Signal = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A case as candidates: one line per file and template, with its signals and the evidence items it answers."""

    id: str
    signals: Mapping[str, Signal]
    features: Signal
    answers: tuple[frozenset[int], ...]  # for each candidate the evidence items that its line matches
    items: int


@dataclass(frozen=True)
class Score:
    """Evidence recall at 20 and 50 and mean reciprocal rank, averaged over cases."""

    recall_20: float
    recall_50: float
    mrr: float

    def __str__(self) -> str:
        return f"{self.recall_20:9.3f} {self.recall_50:9.3f} {self.mrr:7.3f}"


def held_back(name: str) -> bool:
    """Tell whether a case is kept back from tuning."""
    return int(sha256(name.encode()).hexdigest(), 16) % 3 == 0


def main(argv: Sequence[str] | None = None) -> None:
    """Print the ablation for the cases of a folder."""
    parser = argparse.ArgumentParser(prog="scripts/bench retrieval", description=__doc__)
    parser.add_argument("cases", nargs="?", type=Path, default=Path("examples/incidents"))
    parser.add_argument("--baseline", type=Path, default=Path("examples/incidents/baseline-1/logs"))
    options = parser.parse_args(argv)
    started = time.perf_counter()
    embedder = open_embedder()
    cases = [read_case(path.parent, options.baseline, embedder) for path in sorted(options.cases.glob("*/truth.yaml"))]
    cases = with_learned([case for case in cases if case.items])
    tuning = [case for case in cases if not held_back(case.id)]
    held = [case for case in cases if held_back(case.id)]
    print(f"{len(cases)} cases, {sum(c.items for c in cases)} evidence items, {time.perf_counter() - started:.0f} s")
    print(f"{'':44}held back ({len(held)} cases)           tuned on ({len(tuning)} cases)")
    print(f"{'':44}recall@20 recall@50     MRR   recall@20 recall@50     MRR")
    for name, rank in rankings(tuning).items():
        print(f"{name:43} {score(held, rank)}   {score(tuning, rank)}")


def rankings(tuning: Sequence[Case]) -> dict[str, object]:
    """Return the orders to compare: trivial ones, each signal, each pair, all three, tuned on the tuning cases."""
    found: dict[str, object] = {
        "ceiling (every candidate shown)": lambda case: np.array([float(bool(a)) for a in case.answers]),
        "file order": lambda case: -np.arange(len(case.answers), dtype=float),
        "level first, then TF-IDF": lambda case: case.features[:, 0] * 10 + case.signals["tfidf"],
    }
    found["shipped, fast mode"] = lambda case: fuse({name: case.signals[name] for name in ("lstm", "tfidf")})
    found["shipped, full mode"] = lambda case: fuse(case.signals)
    names = ("lstm", "vector", "tfidf")
    for count in (1, 2, 3):
        for chosen in itertools.combinations(names, count):
            if count == 1:
                found[chosen[0]] = lambda case, chosen=chosen: case.signals[chosen[0]]
                continue
            for method in (weighted_sum, reciprocal_rank):
                weights, _ = tuned(tuning, chosen, method)
                label = " + ".join(f"{weights[n]:.1f} {n}" for n in chosen)
                found[f"{method.__name__}: {label}"] = fused(chosen, method, weights)
    return found


def fused(chosen, method, weights):
    return lambda case: method({name: case.signals[name] for name in chosen}, weights)


def tuned(cases, chosen, method):
    """Return the weights that serve the tuning cases best, by the mean of the three scores."""
    steps = [0.1, 0.2, 0.3, 0.5, 0.7, 1.0]
    best, best_value = {}, -1.0
    for values in itertools.product(steps, repeat=len(chosen)):
        if max(values) < 1.0:
            continue
        weights = dict(zip(chosen, values, strict=True))
        got = score(cases, fused(chosen, method, weights))
        value = (got.recall_20 + got.recall_50 + got.mrr) / 3
        if value > best_value + 1e-9:
            best, best_value = weights, value
    return best, best_value


def score(cases, rank) -> Score:
    """Score an order of candidates on cases; ties keep the order of reading."""
    rows = []
    for case in cases:
        order = np.argsort(-rank(case), kind="stable")
        at = [frozenset().union(*(case.answers[i] for i in order[:k])) for k in (20, 50)]
        first = next((n for n, i in enumerate(order, 1) if case.answers[i]), None)
        rows.append((len(at[0]) / case.items, len(at[1]) / case.items, 1 / first if first else 0.0))
    return Score(*np.mean(rows, axis=0))


def read_case(folder: Path, baseline: Path, embedder: MiniLmEmbedder) -> Case:
    """Parse a case and its baseline and compute the signals of its candidates."""
    truth = yaml.safe_load((folder / "truth.yaml").read_text())
    miner = DrainMiner()
    healthy, table = (miner.assign(parse(path)) for path in (baseline, folder / "logs"))
    healthy, table = miner.refresh(healthy), miner.refresh(table)
    groups = table.group_by("file", "template", maintain_order=True).agg(
        pl.col("line").first(), pl.col("service").first(), pl.col("level").max(), pl.len().alias("count")
    )
    before = dict(healthy.group_by(pl.col("template").cast(pl.String)).len().iter_rows())
    texts = [miner.templates[t].text for t in groups["template"].cast(pl.String)]
    lines = raw_lines(folder / "logs", groups)
    items = truth.get("evidence") or []
    answers = tuple(
        frozenset(
            n
            for n, item in enumerate(items)
            if str(name).removesuffix(".gz").endswith(item["file"]) and re.search(item["line_regex"], line)
        )
        for name, line in zip(groups["file"].cast(pl.String), lines, strict=True)
    )
    vectors = embedder.embed([truth["issue"], *texts])
    signals = {
        "tfidf": TfidfIndex(texts).scores(truth["issue"]),
        "vector": np.clip(vectors[1:] @ vectors[0], 0, 1).astype(float),
    }
    return Case(str(truth["id"]), signals, features(groups, before, len(healthy), len(table)), answers, len(items))


def features(groups: pl.DataFrame, before: Mapping[str, int], healthy: int, lines: int) -> Signal:
    """Return level, novelty, change of rate and rarity of each candidate."""
    level = (
        groups["level"].cast(pl.String).replace_strict({n: i for i, n in enumerate(LEVELS)}).to_numpy().astype(float)
    )
    counts = groups["count"].to_numpy().astype(float)
    known = np.array([before.get(t, 0) for t in groups["template"].cast(pl.String)], float)
    change = np.log((counts + 0.5) / lines) - np.log((known + 0.5) / max(healthy, 1))
    return np.column_stack([level, level >= 3, known == 0, change, -np.log(counts)])


def with_learned(cases: Sequence[Case]) -> list[Case]:
    """Add the learned score: a logistic regression on level, novelty and rarity, each case scored by one fitted without it.

    It stands in for the trained classifier, which has its own benchmark, and uses only tuning cases for fitting.
    """
    found = []
    for case in cases:
        others = [c for c in cases if c.id != case.id and not held_back(c.id)]
        x = np.concatenate([c.features for c in others])
        y = np.concatenate([[float(bool(a)) for a in c.answers] for c in others])
        mean, spread = x.mean(0), x.std(0) + 1e-9
        weights = logistic((x - mean) / spread, y)
        logit = np.column_stack([(case.features - mean) / spread, np.ones(len(case.answers))]) @ weights
        found.append(
            Case(case.id, {"lstm": 1 / (1 + np.exp(-logit)), **case.signals}, case.features, case.answers, case.items)
        )
    return found


def logistic(x: Signal, y: Signal, steps: int = 500) -> Signal:
    """Fit a logistic regression with balanced classes by gradient descent."""
    x = np.column_stack([x, np.ones(len(x))])
    balance = np.where(y > 0, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    weights = np.zeros(x.shape[1])
    for _ in range(steps):
        weights -= 2.0 * (x.T @ (balance * (1 / (1 + np.exp(-x @ weights)) - y)) + 1e-4 * weights)
    return weights


def parse(path: Path) -> pl.DataFrame:
    """Return the log table of a folder."""
    return LogParser().parse(PathSource([path]).files()).table


def raw_lines(folder: Path, groups: pl.DataFrame) -> list[str]:
    """Return the candidates' lines as they stand in their files."""
    files = {
        name: gzip.open(folder / name, "rt").read().splitlines() for name in groups["file"].cast(pl.String).unique()
    }
    return [files[name][line - 1] for name, line in zip(groups["file"].cast(pl.String), groups["line"], strict=True)]


if __name__ == "__main__":
    main()
