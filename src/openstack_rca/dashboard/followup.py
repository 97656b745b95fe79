"""A question about loaded logs → the lines that are closest to it, when no language model answers."""

from dataclasses import dataclass

import polars as pl

from openstack_rca.correlation import ServiceGraph, load_topology, understand
from openstack_rca.dashboard.loading import Loaded
from openstack_rca.reporting.plain import cut, plain
from openstack_rca.retrieval.tfidf import TfidfIndex

_LEAST = 0.12
_OWN = 0.2
"""How close a complaint of a program is to a question that names the program, whatever its words."""
_LONGEST = 600


@dataclass(frozen=True)
class Finding:
    """A kind of line that is close to a question: its first occurrence, and how often it occurs."""

    file: str
    line: int
    service: str
    level: str
    message: str
    count: int
    score: float


def closest(loaded: Loaded, question: str, most: int = 6) -> list[Finding]:
    """Return the kinds of line closest to a question by TF-IDF, best first; loud and new ones come before others.

    A program that the question names counts under all its names (RabbitMQ is AMQP), and its complaints are close.
    """
    ids = list(loaded.texts)
    graph = load_topology()
    programs = _named(question, graph)
    names = [alias for alias, component in graph.aliases.items() if component in programs]
    scores = TfidfIndex([loaded.texts[i] for i in ids]).scores(" ".join([question, *names]))
    services = loaded.table["service"].cast(pl.String).unique().drop_nulls()
    own = pl.Series([s for s in services if graph.resolve(s) in programs], dtype=pl.String)
    complains = pl.col("service").cast(pl.String).is_in(own.implode()) & (pl.col("level") >= "WARNING")
    found = (
        loaded.table.lazy()
        .with_columns(pl.col("template").cast(pl.String))
        .join(pl.LazyFrame({"template": ids, "score": scores}), on="template")
        .with_columns(score=pl.max_horizontal("score", pl.when(complains).then(_OWN)))
        .filter(pl.col("score") >= _LEAST)
        .group_by("template", "service")
        .agg(
            pl.col("file", "line", "message").first(),
            pl.col("level", "novelty", "score").max(),
            n=pl.len(),
        )
        .with_columns(rank=pl.col("score") * (1 + 0.3 * (pl.col("level") >= "WARNING") + 0.3 * pl.col("novelty")))
        .sort("rank", "n", descending=True)
        .head(most)
        .collect()
    )
    return [
        Finding(
            r["file"],
            r["line"],
            r["service"] or "unknown",
            r["level"],
            cut(plain(r["message"]), _LONGEST),
            r["n"],
            r["score"],
        )
        for r in found.iter_rows(named=True)
    ]


def _named(question: str, graph: ServiceGraph) -> set[str]:
    """Return the programs that a question names; of other names only those of infrastructure: "volume" is no program."""
    words = {word: graph.resolve(word) for word in understand(question, graph, ()).words}
    return {c for word, c in words.items() if c and (word == c or graph.is_infrastructure(c))}
