"""A sample question over loaded logs: the signals of each kind of line, and the order that weights give them."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from openstack_rca.dashboard.loading import Loaded
from openstack_rca.errors import RcaError, UnavailableError
from openstack_rca.reporting.plain import cut, plain
from openstack_rca.retrieval.embeddings import open_embedder
from openstack_rca.retrieval.fusion import WEIGHTS, Signal, reciprocal_rank
from openstack_rca.retrieval.tfidf import TfidfIndex
from openstack_rca.settings import Settings

_SHOWN = 12
_LONGEST = 160
_MOST_KINDS, _MOST_SCORED = 300, 100_000


@dataclass(frozen=True)
class Ranked:
    """The first lines with their signals and both places, and what took no part."""

    rows: list[dict[str, Any]]
    notes: tuple[str, ...]


def ranked(loaded: Loaded, question: str, weights: Mapping[str, float], settings: Settings) -> Ranked:
    """Return the kinds of line in the order that `weights` give for a question, beside the usual one.

    A signal that is not to be had is left out and named in the notes.
    """
    lines = _kinds(loaded)
    texts = [loaded.texts.get(t, t) for t in lines["template"]]
    signals: dict[str, Signal] = {"tfidf": TfidfIndex(texts).scores(question)}
    notes = []
    try:
        signals["vector"] = _closeness(texts, question, settings)
    except RcaError as error:
        notes.append(f"vector takes no part: {error}")
    try:
        signals["lstm"] = _learned(loaded, lines, settings.models_dir)
    except RcaError as error:
        notes.append(f"lstm takes no part: {error}")
    used = {name: weights.get(name, 0.0) for name in signals}
    if not sum(used.values()):
        return Ranked([], (*notes, "All weights are zero."))
    now, usual = reciprocal_rank(signals, used), reciprocal_rank(signals, WEIGHTS)
    place = np.argsort(np.argsort(-usual, kind="stable"), kind="stable") + 1
    rows = [
        {"place": number, "was": int(place[i]), "service": lines["service"][int(i)] or "unknown",
         **{name: round(float(s[i]), 3) for name, s in signals.items()}, "message": cut(plain(texts[int(i)]), _LONGEST)}
        for number, i in enumerate(np.argsort(-now, kind="stable")[:_SHOWN], 1)
    ]  # fmt: skip
    return Ranked(rows, tuple(notes))


def _kinds(loaded: Loaded) -> pl.DataFrame:
    """Return each kind of line once, the loud and new ones first, as many as a sample needs."""
    return (
        loaded.table.filter(pl.col("template").is_not_null())
        .group_by(pl.col("template", "service").cast(pl.String), maintain_order=True)
        .agg(pl.col("level", "novelty").max(), records=pl.len())
        .sort("level", "novelty", "records", descending=True)
        .head(_MOST_KINDS)
    )


def _closeness(texts: list[str], question: str, settings: Settings) -> Signal:
    with closing(open_embedder(settings.vector_db.embedding_model)) as embedder:
        vectors = embedder.embed([question, *texts])
    closeness: Signal = np.clip(vectors[1:] @ vectors[0], 0.0, 1.0).astype(np.float64)
    return closeness


def _learned(loaded: Loaded, lines: pl.DataFrame, models: Path) -> Signal:
    """Return the learned score of each kind of line: the highest that one of its records has."""
    if "learned" not in loaded.worked:
        table = loaded.table
        if table.height > _MOST_SCORED:
            raise UnavailableError(f"more than {_MOST_SCORED:,} records take too long to score for a sample.")
        from openstack_rca import classify
        from openstack_rca.features import NAMES, compute, time_ranks, window_numbers

        templates = table["template"].cast(pl.String).fill_null("").to_list()
        samples = classify.Samples.of(NAMES, compute(table), templates, window_numbers(table), time_ranks(table))
        loaded.worked["learned"] = classify.find(models, "lstm").score(samples)
    best = loaded.table.select(pl.col("template", "service").cast(pl.String), score=loaded.worked["learned"])
    best = best.group_by("template", "service").agg(pl.col("score").max())
    joined = lines.join(best, on=("template", "service"), how="left", nulls_equal=True, maintain_order="left")
    return joined["score"].fill_null(0.0).to_numpy().astype(np.float64)
