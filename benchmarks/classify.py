"""Classifiers: agreement with Keras, speed, server life cycles of kalaki-nova, and a whole training with its scores."""

import argparse
import csv
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
from benchmarks._memory import PeakMemory
from numpy.typing import NDArray

from openstack_rca.classify import IMPORTANT, ORDINARY, UNKNOWN, Learning, LstmClassifier, Samples, find, load, shipped
from openstack_rca.classify.card import score_table, sum_table
from openstack_rca.classify.measures import judge
from openstack_rca.classify.networks import framework
from openstack_rca.classify.sequences import cut
from openstack_rca.classify.store import keras_file
from openstack_rca.features import NAMES, Baseline, compute, time_ranks, window_numbers
from openstack_rca.parsing import LogParser
from openstack_rca.pipeline.training import train
from openstack_rca.settings import Settings
from openstack_rca.sources import PathSource
from openstack_rca.templates import DrainMiner

EXAMPLES = Path("examples/incidents")


def main(argv: Sequence[str] | None = None) -> None:
    """Run one part, or all of them."""
    parts: dict[str, Callable[[Path], None]] = {
        "agree": lambda data: agree(),
        "speed": lambda data: speed(),
        "kalaki": kalaki,
        "train": whole_training,
    }
    parser = argparse.ArgumentParser(prog="scripts/bench classify", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("all", *parts), default="all")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with the public data sets")
    options = parser.parse_args(argv)
    for name, run in parts.items():
        if options.part in (name, "all"):
            print(f"== {name}")
            run(options.data)


def table_of(paths: Sequence[Path]) -> pl.DataFrame:
    """Return the log table of some paths, templates assigned."""
    return DrainMiner().assign(LogParser().parse(PathSource(paths).files()).table)


def samples_of(table: pl.DataFrame, baseline: Baseline | None = None, by: str = "auto") -> Samples:
    """Return a log table as samples without labels."""
    templates = table["template"].cast(pl.String).to_list()
    return Samples.of(NAMES, compute(table, baseline), templates, window_numbers(table, by), time_ranks(table))  # type: ignore[arg-type]


def agree() -> None:
    """Print how far the exported network is from the Keras model that ships, on a lab case."""
    artifact = load(shipped(), "lstm")
    samples = samples_of(table_of([EXAMPLES / "compute-2-killed" / "logs"]))
    places = cut(samples, artifact.vocabulary.encode(samples.templates), artifact.length)
    inputs = {"features": places.gather(artifact.scaled(samples)), "tokens": places.tokens, "before": places.before}
    model = framework().saving.load_model(keras_file(shipped()), compile=False)
    theirs = model.predict(list(inputs.values()), batch_size=256, verbose=0)
    ours = artifact.run(**inputs)
    differences = [float(np.abs(a - np.asarray(b)).max()) for a, b in zip(ours, theirs, strict=True)]
    print(f"ONNX and Keras differ over {len(samples)} records by at most {max(differences):.1e}")


def speed(lines: int = 100_000) -> None:
    """Print how long the models that ship take to score 100,000 lines whose features are there."""
    parts = [table_of([folder / "logs"]) for folder in sorted(EXAMPLES.iterdir()) if (folder / "logs").is_dir()]
    table = pl.concat(parts)
    table = pl.concat(
        [table.with_columns(pl.col("time") + pl.duration(days=n)) for n in range(1 + lines // len(table))]
    )
    table = table.head(lines).with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("record"))
    samples = samples_of(table)
    for kind in ("lstm", "mlp"):
        began = time.perf_counter()
        classifier = find(Path("no models of my own"), kind)
        loaded = time.perf_counter()
        classifier.score(samples)
        scored = time.perf_counter() - loaded
        print(f"{kind}: loaded in {loaded - began:.2f} s, {len(samples):,} records scored in {scored:.2f} s")


def kalaki(data: Path) -> None:
    """Print F1 for telling servers with an injected fault from healthy ones, beside the counting rule."""
    folder = data / "kalaki-nova"
    if not folder.is_dir():
        print(f"No {folder}: the life cycles of its servers are not judged.")
        return
    table, anomalous = life_cycles(folder)
    samples = samples_of(table, by="resource")
    samples = replace(samples, labels=np.where(anomalous, IMPORTANT, ORDINARY).astype(np.int8), healthy=~anomalous)
    part = np.array([int(sha256(i.encode()).hexdigest(), 16) % 10 for i in table["instance"].to_list()])
    learned, checked, judged = (samples.take(rows) for rows in (part < 5, (part >= 5) & (part < 7), part >= 7))
    stories = servers(learned.templates, learned.windows)
    fresh = {w: story not in set(stories.values()) for w, story in servers(judged.templates, judged.windows).items()}
    truth = window_labels(judged)
    rule = counting_rule(table.filter(pl.Series(part >= 7)), judged.windows)
    numbers = np.array(sorted(truth))
    labels, new = np.array([truth[n] for n in numbers]), np.array([fresh[n] for n in numbers])
    print(f"{len(numbers)} servers to judge, {labels.sum()} with a fault; {new.sum()} with a sequence not learned from")
    report("counting rule (ERROR/WARNING, or no VM Resumed)", np.array([rule[n] for n in numbers]), labels, new)
    learning = Learning(epochs=25, batch_size=32, seed=1)
    for name, parts in {
        "LSTM with labels": (learned, checked),
        "LSTM, healthy servers only": tuple(unlabelled(p.take(p.healthy)) for p in (learned, checked)),
    }.items():
        model = LstmClassifier(length=64).fit(*parts, learning)
        assert model.artifact
        _, scores = model.score_windows(judged)
        report(name, scores >= model.artifact.thresholds["window"], labels, new)


def life_cycles(folder: Path) -> tuple[pl.DataFrame, NDArray[np.bool_]]:
    """Return the records of the labelled servers of the sample, and whether their server has a fault."""
    with (folder / "labels.csv").open() as file:
        truth = {row["BlockId"].split()[-1]: row["Label"] == "Anomaly" for row in csv.DictReader(file)}
    table = table_of([folder / "openstack-nova-sample.log.gz"]).filter(pl.col("instance").is_in(list(truth)))
    return table, np.array([truth[i] for i in table["instance"].to_list()])


def counting_rule(table: pl.DataFrame, windows: NDArray[np.int64]) -> dict[int, bool]:
    """Return what the counting rule says of each server."""
    resumed = pl.col("message").str.contains("VM Resumed", literal=True).any()
    rows = table.with_columns(window=pl.Series(windows)).group_by("window")
    return dict(rows.agg((pl.col("level") >= "WARNING").any() | ~resumed).iter_rows())


def servers(templates: NDArray[np.str_], windows: NDArray[np.int64]) -> dict[int, tuple[str, ...]]:
    """Return the sequence of templates of each window."""
    return {int(w): tuple(templates[windows == w].tolist()) for w in np.unique(windows)}


def window_labels(samples: Samples) -> dict[int, bool]:
    """Return whether each window has an important record."""
    return {int(w): bool((samples.labels[samples.windows == w] == IMPORTANT).any()) for w in np.unique(samples.windows)}


def unlabelled(samples: Samples) -> Samples:
    """Return the samples without their labels."""
    return replace(samples, labels=np.full(len(samples), UNKNOWN, np.int8))


def report(name: str, called: NDArray[np.bool_], labels: NDArray[np.bool_], new: NDArray[np.bool_]) -> None:
    """Print F1 over all servers and over those whose sequence was not learned from."""
    verdicts = [
        judge(called[rows].astype(float), called[rows], labels[rows]) for rows in (np.ones(len(labels), bool), new)
    ]
    print(f"{name}: F1 {verdicts[0].f1:.3f}, on sequences not learned from {verdicts[1].f1:.3f}")


def whole_training(data: Path) -> None:
    """Print time, memory and scores of a training on the lab and, where it is there, on the fault injections."""
    folders = [EXAMPLES]
    if (data / "fault-injection").is_dir():
        folders.append(data / "fault-injection")
    else:
        print(f"No {data / 'fault-injection'}: the training is measured on the lab alone.")
    with tempfile.TemporaryDirectory() as models, PeakMemory() as peak:
        result = train(Settings(models_dir=Path(models)), cases=folders)
    print(f"{result.facts['lines']:,} lines of {result.facts['cases']} cases in {result.seconds:.0f} s; "
          f"at most {peak.megabytes:.0f} MB in all processes together")  # fmt: skip
    print(f"labels: {result.facts['labels']}")
    for source, table in result.scores.items():
        print(f"labels: {source}", score_table(table), sum_table(table), sep="\n")


if __name__ == "__main__":
    main()
