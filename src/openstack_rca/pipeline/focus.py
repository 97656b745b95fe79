"""Which part of long logs an issue is about: the latest episode in which what was asked about fails."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from openstack_rca.correlation import (
    Episode,
    ServiceGraph,
    asked_roots,
    compare,
    episodes,
    onset,
    quoting_roots,
    vanished,
    with_novelty,
)
from openstack_rca.diagnosis import ranked, standing
from openstack_rca.pipeline.reading import written
from openstack_rca.pipeline.suspicion import find_clues
from openstack_rca.records import Clue, Period, Question

_TOLD = 5
"""So many of the other episodes are told."""
_ABOUT = timedelta(minutes=10)
"""How exactly people tell times."""
_MOST = 16
"""So many of the latest episodes are looked at."""
_OLDER = 0.7
"""What each further step back to where it failed counts: who asks, asks about what happened last."""
_SLOPE, _OFFSET = 2.0, 2.0
"""How the lead of a part's first cause becomes a likelihood (Platt scaling on development cases; decision 13)."""
_ASKED_NEWS = 0.95
"""The least novelty of what stands in requests that end as the issue says: whoever asks does not take it for usual."""
_UNASKED, _ASKED_FROM = 0.4, 0.3
"""What an episode counts in which nothing that was asked about fails, and from which weight on a clue tells that it does."""


@dataclass(frozen=True)
class Examined:
    """What was found in one part of the logs: its records with `novelty`, what changed, when failures set in, and the clues."""

    table: pl.DataFrame
    change: pl.DataFrame
    gone: pl.DataFrame | None
    began: datetime | None
    asked: list[str]
    clues: tuple[Clue, ...]


def examine(
    table: pl.DataFrame,
    baseline: pl.DataFrame | None,
    question: Question,
    graph: ServiceGraph,
    times: Sequence[Period],
    earlier: pl.DataFrame | None = None,
) -> Examined:
    """Return what a part of the logs tells about a question; `times` are those that are meant, none if all are. Of what was
    logged `earlier` it holds the last words of who fell silent then.
    """
    change = compare(table, baseline)
    gone = vanished(table, baseline) if baseline is not None else None
    table = with_novelty(table, change)
    if baseline is None and (said := quoting_roots(table, question)):
        least = pl.when(pl.col("root").is_in(said)).then(_ASKED_NEWS).otherwise(0.0)
        table = table.with_columns(novelty=pl.max_horizontal("novelty", least))
    asked = asked_roots(table, question)
    clues = find_clues(table, baseline, change, question, graph, gone, asked, times, earlier)
    began = onset(table)
    if earlier is not None:
        told = [r for c in clues for r in c.records]
        last = earlier.filter(pl.col("record").is_in(told)).with_columns(novelty=pl.lit(0.0))
        table = pl.concat([last.select(table.columns), table], rechunk=True)
    return Examined(table, change, gone, began, asked, clues)


def focus(
    table: pl.DataFrame, baseline: pl.DataFrame | None, question: Question, graph: ServiceGraph
) -> tuple[Examined, str]:
    """Return what the part of the logs tells that the question is about, and a sentence that says which part that is, empty
    where failures come at one time only.
    """
    parts = episodes(with_novelty(table, compare(table, baseline)))
    if sum(part.first is not None for part in parts) < 2:
        return examine(table, baseline, question, graph, question.times), ""
    when = table.select(written()).to_series()  # files without any time may be of any part, so they are of none
    named = question.times or _times_of(table, asked_roots(table, question))
    meant = [p for p in parts if _is_named(p, named)] or parts
    best, most, recency = None, -1.0, 1.0
    for part in reversed(meant[-_MOST:]):
        times = question.times or ([(part.first, part.last)] if part.first and part.last else [])
        own, earlier = table.filter(when.is_between(part.begin, part.end)), table.filter(when < part.begin)
        found = examine(own, baseline, question, graph, times, earlier)
        asked = not question.components or any(_concerns(question, clue) for clue in found.clues)
        worth = _likelihood(found, question, graph) * (recency if asked else recency * _UNASKED)
        if worth > most:
            best, most = (found, part), worth
        recency *= _OLDER if asked else 1.0
    assert best
    found, part = best
    placeless = f" {when.null_count()} records of files without any time took no part." if when.null_count() else ""
    return found, _told(part, parts, meant is not parts) + placeless


def _times_of(table: pl.DataFrame, roots: Sequence[str]) -> list[Period]:
    """Return from when to when each request was worked on."""
    spans = (
        table.filter(pl.col("root").is_in(list(roots)))
        .group_by("root")
        .agg(pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
    )
    return [(first, last) for first, last in spans.drop_nulls().select("first", "last").iter_rows()]


def _is_named(part: Episode, times: Iterable[Period]) -> bool:
    first, last = part.first or part.begin, part.last or part.end
    return any(first - _ABOUT <= end and begin <= last + _ABOUT for begin, end in times)


def _likelihood(found: Examined, question: Question, graph: ServiceGraph) -> float:
    """Return how likely the first cause of a part is, by how far it stands out: parts differ in how much is new in them."""
    kept = ranked(found.clues, found.table, graph, question)
    if not kept:
        return 0.0
    lead = standing(kept)[0]
    return 1 / (1 + math.exp(-_SLOPE * math.log(lead / (1 - lead)) - _OFFSET))


def _concerns(question: Question, clue: Clue) -> bool:
    """Say whether a clue tells that something fails that was asked about."""
    about = clue.reporter in question.components or clue.component in question.components
    return about and clue.role != "context" and clue.weight >= _ASKED_FROM


def _told(part: Episode, parts: Sequence[Episode], named: bool) -> str:
    """Return the sentence on which part was chosen, and where the others are."""
    others = [p.first for p in parts if p is not part and p.first]
    first, last = part.first or part.begin, part.last or part.end
    which = (
        "the one that the issue names by its time or by an id"
        if named
        else "the latest in which what was asked about fails"
    )
    elsewhere = ", ".join(f"{moment:%Y-%m-%d %H:%M}" for moment in others[-_TOLD:])
    more = f" (and {len(others) - _TOLD} before)" if len(others) > _TOLD else ""
    return (
        f"These logs hold several times of trouble. This report is about {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC, "
        f"{which}; others began at {elsewhere}{more}. For another one name its time in the issue, or give --since and --until."
    )
