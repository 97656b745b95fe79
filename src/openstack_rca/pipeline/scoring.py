"""Three scores for every line: learned, by meaning (full mode), by words; and their fusion."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from openstack_rca import classify
from openstack_rca.classify import Samples
from openstack_rca.errors import InputError, UnavailableError
from openstack_rca.features import NAMES, Baseline, compute, time_ranks, window_numbers
from openstack_rca.retrieval.fusion import fuse
from openstack_rca.retrieval.tfidf import TfidfIndex
from openstack_rca.settings import Settings

_EMBEDDED = 120
"""So many templates are compared by meaning: the best ones by the other two scores. Each costs about 10 ms once."""


def with_scores(
    table: pl.DataFrame,
    baseline: pl.DataFrame | None,
    texts: dict[str, str],
    issue: str,
    settings: Settings,
    fast: bool,
) -> tuple[pl.DataFrame, tuple[str, ...], bool]:
    """Return the table with `lstm`, `vector`, `tfidf` and `fused` (0 to 1, null where a signal took no part).

    The second value holds sentences on what could not be used, the third says whether full mode held.
    """
    learned, notes = _learned(table, baseline, settings)
    groups = (
        table.select("template", lstm=pl.Series(learned) if learned is not None else pl.lit(0.0))
        .group_by("template", maintain_order=True)
        .agg(pl.col("lstm").max())
    )
    masked = [texts.get(t or "", "") for t in groups["template"].cast(pl.String)]
    tfidf = TfidfIndex(masked).scores(issue)
    best = groups["lstm"].to_numpy().astype(float)
    vector, words = (None, ()) if fast else _vector(issue, masked, fuse({"lstm": best, "tfidf": tfidf}), settings)
    by_template = groups.select("template").with_columns(
        tfidf=pl.Series(tfidf),
        vector=pl.Series(vector, dtype=pl.Float64) if vector is not None else pl.lit(None, pl.Float64),
    )
    scored = table.join(by_template, on="template", how="left", nulls_equal=True, maintain_order="left").with_columns(
        lstm=pl.Series(learned, dtype=pl.Float64) if learned is not None else pl.lit(None, pl.Float64)
    )
    signals = {
        name: scored[name].fill_null(0.0).to_numpy()
        for name in ("lstm", "vector", "tfidf")
        if scored[name].null_count() < len(scored)
    }
    return scored.with_columns(fused=pl.Series(fuse(signals))), (*notes, *words), not fast and vector is not None


def _learned(
    table: pl.DataFrame, baseline: pl.DataFrame | None, settings: Settings
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Return the score of the classifier for each record; None with a sentence when the model cannot be used."""
    windows = window_numbers(table)
    try:
        classifier = classify.find(settings.models_dir, classify.shape(windows))
        samples = Samples.of(
            NAMES,
            compute(table, Baseline.of(baseline) if baseline is not None else None),
            table["template"].cast(pl.String).fill_null("").to_list(),
            windows,
            time_ranks(table),
        )
        return classifier.score(samples).astype(np.float64), classifier.notes(samples)
    except InputError as error:
        return None, (f"The learned score took no part: {error}",)


def _vector(
    issue: str, texts: list[str], order: NDArray[np.float64], settings: Settings
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Return the cosine of the most promising texts to the issue, 0 for the others.

    Without the embedder, or without the server that was chosen for the vector store, None and a sentence.
    """
    from openstack_rca.retrieval.chroma import ask_server
    from openstack_rca.retrieval.embeddings import open_embedder

    db = settings.vector_db
    chosen = np.argsort(-order, kind="stable")[:_EMBEDDED]
    try:
        if db.host:
            ask_server(db.host, db.port, db.timeout)
        embedder = open_embedder(db.embedding_model)
    except UnavailableError as error:
        return None, (f"Fast mode was used, without comparison by meaning and without past incidents: {error}",)
    try:
        vectors = embedder.embed([issue, *(texts[i] for i in chosen)])
    finally:
        embedder.close()
    scores = np.zeros(len(texts))
    scores[chosen] = np.clip(vectors[1:] @ vectors[0], 0.0, 1.0)
    return scores, ()
