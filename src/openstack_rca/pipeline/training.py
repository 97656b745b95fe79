"""Training: cases and logs -> parsed, mined, featured, labelled -> fitted, judged on held-back cases, saved."""

import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from openstack_rca import classify
from openstack_rca.classify import Classifier, Course, Labels, Learning, LstmClassifier, MlpClassifier, Samples
from openstack_rca.classify.card import Scores
from openstack_rca.classify.comparison import HeldCase, Judge, compare, curve
from openstack_rca.classify.rules import Stump
from openstack_rca.errors import InputError, UsageError
from openstack_rca.features import CATALOGUE, NAMES, Baseline, compute, time_ranks, window_numbers
from openstack_rca.pipeline.cases import TrueCase, is_held_back, load_cases
from openstack_rca.pipeline.reading import read_logs
from openstack_rca.retrieval.fusion import WEIGHTS
from openstack_rca.settings import Settings
from openstack_rca.signatures import Matcher, load_signatures
from openstack_rca.sources import PathSource
from openstack_rca.templates import DrainMiner

SEED = 20261122
_MOST, _FEWEST = 120_000, 100
"""So many records a model learns from at most (and windows with important ones always), and at least."""
_VALIDATED_OF = 4
_PROCESSES = 2
_CHECKPOINTS = ".training"
_PARTS = 3  # what a case gives: its logs beside its baseline, its logs alone, the baseline
_COMPRESSED = re.compile(r"\.(gz|bz2|xz|zst)$")


@dataclass(frozen=True)
class TrainingResult:
    """What a training run loaded, how its models compare with the simple rules on held-back cases, where they went.

    `scores` is source of the labels -> method -> measure -> value (0 to 1); `reliability` are mean score, share of
    important records and their number in each tenth of the scale; `facts` are what is stored with the models; `courses`
    tell the losses of each network, epoch by epoch.
    """

    facts: Mapping[str, Any]
    scores: Mapping[str, Scores]
    reliability: Sequence[tuple[float, float, int]]
    models: tuple[Path, ...]
    notes: tuple[str, ...]
    seconds: float
    features: tuple[str, ...] = NAMES
    courses: Mapping[str, Course] = field(default_factory=dict)


@dataclass(frozen=True)
class _Prepared:
    """One case, or the operator's logs, in numbers: what is learned from it, and what is needed to judge on it."""

    name: str
    source: str
    lines: int
    parts: tuple[Samples, ...]
    held: HeldCase | None = None


def train(
    settings: Settings,
    logs: Sequence[Path] = (),
    cases: Sequence[Path] = (),
    epochs: int | None = None,
    batch_size: int | None = None,
    progress: classify.Progress = classify.silent,
    seed: int = SEED,
    losses: classify.Losses = classify.unheard,
) -> TrainingResult:
    """Train on folders of cases, or without any on the operator's own logs, and save the models in `models_dir`.

    Cases that are held back are only judged on. With cases, `logs` should be healthy: only their order is learned.
    Raises UsageError when nothing is given, InputError for data that teaches nothing or a folder that cannot be
    written, UnavailableError without the extra "training".
    """
    if not logs and not cases:
        raise UsageError("Training needs logs or cases: give --logs PATH or --cases DIR.")
    began = time.monotonic()
    found, notes = _find_cases(cases)
    prepared = [*_prepare_all(found, settings, progress), *_own(logs, settings, weak=not cases)]
    learned = [p for p in prepared if p.parts]
    judged = [p for p in prepared if p.held and not p.parts]
    fitting, checking = _split(learned)
    learning = Learning(
        epochs=epochs or settings.lstm.epochs,
        batch_size=batch_size or settings.lstm.batch_size,
        seed=seed,
        data=_hash(fitting),
        checkpoints=settings.models_dir / _CHECKPOINTS,
        progress=progress,
        losses=losses,
    )
    judge = _learn(settings, fitting, checking, learning)
    progress("held-back cases", 0, len(judged))
    scores = {
        source: compare([(judge, p.held) for p in judged if p.held and p.source == source])
        for source in dict.fromkeys(p.source for p in judged)
    }
    facts = _facts(prepared, learning, fitting, judge.fusion)
    models = tuple(_save(c, settings.models_dir, facts, scores) for c in judge.classifiers.values())
    shutil.rmtree(settings.models_dir / _CHECKPOINTS, ignore_errors=True)
    notes = (*notes, *_taken_up(learning))
    if not judged:
        notes = (*notes, "No case was held back, so the scores of these models are unknown.")
    best = next(iter(judge.classifiers.values()))
    reliability = curve(best, [p.held for p in judged if p.held and p.held.items])
    return TrainingResult(facts, scores, reliability, models, notes, time.monotonic() - began, courses=learning.courses)


def cross_validate(
    settings: Settings, cases: Sequence[Path], folds: int = 5, progress: classify.Progress = classify.silent
) -> dict[str, dict[str, float]]:
    """Return the scores on the cases that are not held back, each judged by models of other folds; saves nothing."""
    found = [case for case in _find_cases(cases)[0] if not is_held_back(case.id)]
    prepared = sorted(_prepare_all(found, settings, progress), key=lambda p: sha256(p.name.encode()).digest())
    judged = []
    for fold in range(folds):
        left_out = prepared[fold::folds]
        fitting, checking = _split([p for p in prepared if p not in left_out])
        learning = Learning(settings.lstm.epochs, settings.lstm.batch_size, SEED, progress=progress)
        judge = _learn(settings, fitting, checking, learning)
        judged += [(judge, p.held) for p in left_out if p.held]
    return compare(judged)


def _learn(settings: Settings, fitting: Samples, checking: Samples, learning: Learning) -> Judge:
    """Fit the models and the stump; beside TF-IDF they count as much as in an analysis."""
    classifiers = _fit(settings, fitting, checking, learning)
    return Judge(classifiers, Stump(fitting), frozenset(fitting.templates.tolist()), WEIGHTS["tfidf"] / WEIGHTS["lstm"])


def _find_cases(folders: Sequence[Path]) -> tuple[list[TrueCase], tuple[str, ...]]:
    """Return the cases that say what to learn; a healthy `baseline*` in a folder serves all cases of the folder."""
    found: list[TrueCase] = []
    notes: list[str] = []
    for folder in folders:
        baseline = next((p / "logs" for p in sorted(folder.glob("baseline*")) if (p / "logs").is_dir()), None)
        for case in load_cases(folder, baseline):
            if case.truth.get("evidence") or case.truth.get("root_cause_file"):
                found.append(case)
            else:
                notes.append(
                    f"{case.id} names neither evidence nor a faulty source file, so nothing is learned from it."
                )
    return found, tuple(notes)


def _prepare_all(cases: Sequence[TrueCase], settings: Settings, progress: classify.Progress) -> Iterator[_Prepared]:
    """Yield each case in numbers, worked out in other processes, so that their memory is given back."""
    if not cases:
        return
    baselines: set[Path | None] = {None}
    most = _MOST // (_PARTS * max(1, sum(not is_held_back(c.id) for c in cases)))
    tasks = []
    for number, case in enumerate(cases):
        tasks.append((case, number, case.baseline not in baselines and not is_held_back(case.id), most, settings))
        if not is_held_back(case.id):
            baselines.add(case.baseline)
    with ProcessPoolExecutor(_PROCESSES, get_context("spawn")) as pool:
        for done, prepared in enumerate(pool.map(_prepare, *zip(*tasks, strict=True)), 1):
            progress("reading cases", done, len(tasks))
            yield prepared


def _prepare(case: TrueCase, number: int, with_baseline: bool, most: int, settings: Settings) -> _Prepared:
    """Read, mine, feature and label one case. The records of its baseline are learned from only `with_baseline`."""
    logs = read_logs((case.logs,), settings)
    table, healthy = logs.table, read_logs((case.baseline,), settings).table if case.baseline else None
    both = DrainMiner().assign(pl.concat([healthy, table]) if healthy is not None else table)
    table, healthy = both.tail(table.height), both.head(both.height - table.height)
    labels, items = _labels(case, table)
    full, bare = (
        _samples(table, labels, case=number, baseline=Baseline.of(healthy) if given else None)
        for given in (len(healthy) > 0, False)
    )
    repeats = table.select(pl.struct(pl.col("template", "file").cast(pl.String)).rank("dense"))
    held = HeldCase(
        case.id, full, bare, table["message"].fill_null("").to_list(), case.issue, items,
        repeats.to_series().to_numpy().astype(np.int64),
    )  # fmt: skip
    if is_held_back(case.id):
        return _Prepared(case.id, labels.source, logs.lines, (), held)
    parts = [full.thinned(most, SEED), bare.thinned(most, SEED)]
    if with_baseline and len(healthy):
        ordinary = _samples(healthy, classify.healthy(healthy), case=-number - 1, healthy=True)
        parts.append(ordinary.thinned(most, SEED))
    return _Prepared(case.id, labels.source, logs.lines, tuple(parts), held if items else None)


def _labels(case: TrueCase, table: pl.DataFrame) -> tuple[Labels, tuple[np.ndarray[Any, Any], ...]]:
    """Return the labels of a case, and the records of each piece of its cited evidence."""
    start, end = (
        datetime.fromisoformat(str(v)) if (v := case.truth.get(k)) else None for k in ("fault_start", "fault_end")
    )
    if not case.truth.get("evidence"):
        function = case.truth.get("root_cause_function")
        return classify.traced(table, case.truth["root_cause_file"], function, start), ()
    lines = _cited_lines(case)
    every = lines.select("file", "line").unique()
    items = tuple(np.flatnonzero(classify.holding(table, part)) for _, part in sorted(lines.group_by("item")))
    return classify.cited(table, every, start, end), items


def _cited_lines(case: TrueCase) -> pl.DataFrame:
    """Return file, line and item for every line of the case's files that its evidence cites."""
    wanted = [(str(e["file"]), re.compile(str(e["line_regex"]).encode())) for e in case.truth["evidence"]]
    found: list[tuple[str, int, int]] = []
    for raw in PathSource([case.logs]).files():
        rules = [
            (item, rule) for item, (file, rule) in enumerate(wanted) if _COMPRESSED.sub("", raw.name).endswith(file)
        ]
        if rules:
            lines = b"".join(raw.chunks()).split(b"\n")
            found += [
                (raw.name, n, item) for item, rule in rules for n, line in enumerate(lines, 1) if rule.search(line)
            ]
    return pl.DataFrame(found, schema={"file": pl.String, "line": pl.Int64, "item": pl.Int64}, orient="row")


def _samples(
    table: pl.DataFrame, labels: Labels, case: int, baseline: Baseline | None = None, healthy: bool = False
) -> Samples:
    """Return a labelled table as samples, without the features that the labels are made of."""
    made_of = set(labels.made_of)
    samples = Samples.of(
        NAMES,
        compute(table, baseline),
        table["template"].cast(pl.String).fill_null("").to_list(),
        window_numbers(table),
        time_ranks(table),
        labels.values,
        case,
        healthy,
        "template" in made_of,
    )
    return samples.withholding([f.name for f in CATALOGUE if made_of & set(f.sources)])


def _own(logs: Sequence[Path], settings: Settings, weak: bool) -> Iterator[_Prepared]:
    """Yield the operator's logs: labelled by weak rules when there are no cases, else only as healthy."""
    if not logs:
        return
    read = read_logs(logs, settings)
    table = DrainMiner().assign(read.table)
    unlabelled = Labels(np.full(len(table), classify.UNKNOWN, np.int8), "none: order only")
    labels = classify.weak(table, _known_failures(table)) if weak else unlabelled
    samples = _samples(table, labels, case=1_000_000, healthy=True).thinned(_MOST, SEED)
    yield _Prepared("logs", labels.source, read.lines, (samples,))


def _known_failures(table: pl.DataFrame) -> set[int]:
    """Return the records in which a signature finds a failure; recoveries and context are none."""
    failures = [s for s in load_signatures() if s.role in ("cause", "symptom")]
    return {record for hit in Matcher(failures).match(table) for record in hit.records}


def _split(learned: Sequence[_Prepared]) -> tuple[Samples, Samples]:
    """Return what to fit, and what to stop and calibrate on: some of the cases; logs alone are cut in time."""
    cases = sorted((p for p in learned if p.name != "logs"), key=lambda p: sha256(p.name.encode()).digest())
    checked = cases[::_VALIDATED_OF] if len(cases) > 1 else []
    fit = [part for p in learned if p not in checked for part in p.parts]
    check = [part for p in checked for part in p.parts]
    if not fit or sum(map(len, fit)) < _FEWEST:
        raise InputError(f"Training needs {_FEWEST} records to learn from or more; here are {sum(map(len, fit))}.")
    if not check:
        whole = classify.join(fit)
        late = whole.ranks >= np.quantile(whole.ranks, 1 - 1 / _VALIDATED_OF)
        return whole.take(~late), whole.take(late)
    return classify.join(fit), classify.join(check)


def _fit(settings: Settings, fitting: Samples, checking: Samples, learning: Learning) -> dict[str, Classifier]:
    """Return the fitted models by kind: the LSTM where the records form sequences, the MLP where labels allow it."""
    lstm = settings.lstm
    fitted: dict[str, Classifier] = {}
    if classify.shape(fitting.windows) == "lstm":
        fitted["lstm"] = LstmClassifier(units=lstm.units, length=lstm.sequence_length).fit(fitting, checking, learning)
    if not fitted or (fitting.labels == classify.IMPORTANT).any():
        rows = replace(learning, batch_size=learning.batch_size * lstm.sequence_length // 4)
        fitted["mlp"] = MlpClassifier(units=lstm.units).fit(fitting, checking, rows)
    return fitted


def _taken_up(learning: Learning) -> Iterator[str]:
    """Yield in a sentence for each network at which epoch of a run that was cut off its training was taken up."""
    for name, course in learning.courses.items():
        if course.resumed:
            yield f"The training of {name!r} was taken up after epoch {course.resumed} of a run that was cut off."


def _hash(samples: Samples) -> str:
    """Return a hash of everything that is learned from."""
    content = sha256()
    for array in (samples.values, samples.templates, samples.windows, samples.ranks, samples.labels):
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def _facts(prepared: Sequence[_Prepared], learning: Learning, fitting: Samples, fusion: float) -> dict[str, Any]:
    return {
        "cases": sum(p.name != "logs" for p in prepared),
        "held back": sorted(p.name for p in prepared if not p.parts),
        "lines": sum(p.lines for p in prepared),
        "records learned from": len(fitting),
        "important records": int((fitting.labels == classify.IMPORTANT).sum()),
        "of these in the case with most": _most_in_a_case(fitting),
        "labels": dict(Counter(p.source for p in prepared)),
        "features": len(NAMES),
        "data hash": learning.data,
        "seed": learning.seed,
        "epochs": learning.epochs,
        "batch size": learning.batch_size,
        "weight of TF-IDF beside the learned score": fusion,
    }


def _most_in_a_case(samples: Samples) -> int:
    _, counts = np.unique(samples.cases[samples.labels == classify.IMPORTANT], return_counts=True)
    return int(counts.max(initial=0))


def _save(classifier: Classifier, folder: Path, facts: Mapping[str, Any], scores: Mapping[str, Scores]) -> Path:
    assert classifier.artifact
    own = {source: measured[classifier.kind] for source, measured in scores.items()}
    return classify.save(replace(classifier.artifact, facts={**facts, "scores": own}), folder)
