"""What changed: kinds of line (a template of a program) that are new, more or missing against healthy logs.

With a baseline, counts are compared per program and template as Poisson rates: a line seen twice against once expected is
no news, one seen ninety times is. Without one, a line is news when it is rare or bunched in time, and routine when it comes
all the time.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from openstack_rca.correlation.times import duration, earliest, latest
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import LOG_SCHEMA, Clue, Pattern

KEY = ["service", "template"]
"""What makes a kind of line."""
_TIME = LOG_SCHEMA["time"]
_NEWS = 0.5
"""From this novelty on a kind of line is told as new or more."""
_CELLS = 20
"""Into so many equal parts the time of the logs is cut to see whether a kind of line comes all the time."""
_RARE = 3
_FAILURE_FLOOR = 0.35
"""What an error keeps of its novelty that comes all the time."""
_LONGEST_RATIO = 20.0
"""Logs of a much longer time than the baseline are not taken to repeat it more often than this."""
_ABSENCE_WEIGHT, _MANY_MISSING = 0.6, 10
"""What it is worth when all kinds of line that are missing are of one service, and how many make half of that."""
_NOVELTY_WEIGHT = 0.3
"""What it weighs at most that a service writes lines which health never saw."""
_SOME_NEWS = 0.3
"""What one new kind of line falls short of many: it counts 1 / 1.3 of them."""


def compare(table: pl.DataFrame, baseline: pl.DataFrame | None) -> pl.DataFrame:
    """Return per program and template: count, reference count, expected count, first, last, worst level, novelty.

    With a baseline `novelty` (0 to 1) is the share of the occurrences that it does not explain, where expected +
    2·√expected + 0.5 are taken as explained. Without one it is how bunched in time the occurrences are.
    """
    counts = table.group_by(KEY, maintain_order=True).agg(
        pl.len().alias("count"),
        pl.col("time").min().alias("first"),
        pl.col("time").max().alias("last"),
        pl.col("level").max().alias("level"),
        pl.col("record").min().alias("record"),
        pl.col("message").first().str.contains("(?i)deprecat").alias("routine"),
        _cell(table).n_unique().alias("cells"),
    )
    if baseline is None or baseline.is_empty():
        novelty = pl.max_horizontal(_bunched(), _late(table["time"].min(), table["time"].max()))
        return counts.with_columns(reference=pl.lit(0, pl.UInt32), expected=pl.lit(0.0), novelty=novelty)
    ratio = min(_LONGEST_RATIO, duration(table) / duration(baseline))
    seen = baseline.group_by(KEY).agg(pl.len().alias("reference"))
    joined = counts.join(seen, on=KEY, how="left", nulls_equal=True).with_columns(pl.col("reference").fill_null(0))
    unexplained = 1 - _at_most("expected") / pl.col("count")
    return joined.with_columns(expected=pl.col("reference") * ratio).with_columns(
        novelty=pl.when(pl.col("reference") == 0).then(1.0).otherwise(unexplained.clip(0, 1))
    )


def _at_most(count: str) -> pl.Expr:
    """Return a count with what chance may add to it: two standard deviations of a Poisson count, and a half for rounding."""
    return pl.col(count) + 2 * pl.col("expected").sqrt() + 0.5


def _cell(table: pl.DataFrame) -> pl.Expr:
    """Number the cell of time, of `_CELLS` over the whole table, that a record lies in."""
    start, seconds = table["time"].min(), duration(table)
    return (
        ((pl.col("time") - pl.lit(start, _TIME)).dt.total_microseconds() / 1e6 / seconds * _CELLS)
        .floor()
        .clip(0, _CELLS - 1)
    )


def _bunched() -> pl.Expr:
    """Rate how far the cells that a template fills fall short of those it would fill if it came at any time.

    What occurs at most `_RARE` times is news when it is a warning or worse; failures keep a share of news even when they
    come all the time, since the logs may hold nothing but the outage.
    """
    count = pl.col("count").cast(pl.Float64)
    spread = _CELLS * (1 - (1 - 1 / _CELLS) ** count)
    bunched = (1.5 * (1 - pl.col("cells") / spread)).clip(0, 1)
    floor = pl.when(pl.col("level") >= "ERROR").then(_FAILURE_FLOOR).otherwise(0.0)
    rare = pl.when(pl.col("level") >= "WARNING").then(1.0).otherwise(0.6)
    return (
        pl.when(pl.col("routine"))
        .then(0.1)
        .when(count <= _RARE)
        .then(rare)
        .otherwise(pl.max_horizontal(bunched, floor))
    )


def with_novelty(table: pl.DataFrame, change: pl.DataFrame) -> pl.DataFrame:
    """Return the table with the column `novelty` of each record's template."""
    return table.join(change.select(*KEY, "novelty"), on=KEY, how="left", nulls_equal=True).with_columns(
        pl.col("novelty").fill_null(1.0)
    )


def _late(begin: object, end: object) -> pl.Expr:
    """Return the chance that a warning or worse, if it came at any time, would have come earlier than it first did.

    It is 1 - (1 - f)^n for n occurrences that all come after the share f of the time of the logs.
    """
    missed = (pl.col("first") - pl.lit(begin, _TIME)) / (pl.lit(end, _TIME) - pl.lit(begin, _TIME))
    chance = 1 - (1 - missed.clip(0, 1)) ** pl.col("count").cast(pl.Float64)
    return pl.when((pl.col("level") >= "WARNING") & ~pl.col("routine")).then(chance.fill_nan(0)).otherwise(0.0)


def patterns(
    change: pl.DataFrame, gone: pl.DataFrame | None, texts: dict[str, str], most: int = 40
) -> tuple[Pattern, ...]:
    """Return the templates that changed most, at most so many: new and more ones, worst level first, then those that ceased.

    `change` as of `compare`, `gone` as of `vanished`, which get a quarter of the room; `texts` are the templates by id.
    """
    up = change.filter(pl.col("novelty") > _NEWS).sort(
        "level", "novelty", "count", "record", descending=[True, True, True, False]
    )
    rows = up.head(most if gone is None else most * 3 // 4)
    found = [_pattern(r, texts, "new" if r["reference"] == 0 else "more") for r in rows.iter_rows(named=True)]
    if gone is not None:
        down = gone.sort("expected", "record", descending=[True, False]).head(most - len(found))
        found += [_pattern(r, texts, "less" if r["count"] else "gone") for r in down.iter_rows(named=True)]
    return tuple(found)


def _pattern(row: dict[str, Any], texts: dict[str, str], change: str) -> Pattern:
    return Pattern(
        template=texts.get(row["template"] or "", row["template"] or ""),
        service=row["service"] or "unknown",
        count=row["count"],
        baseline_count=row["reference"],
        first=row["first"],
        last=row["last"],
        change=change,
    )


def vanished(table: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """Return templates that the reference leads one to expect and that are missing or rare: columns as in `compare`.

    Only programs that still write are looked at: the silence of a whole program is another matter.
    """
    ratio = min(_LONGEST_RATIO, duration(table) / duration(reference))
    seen = reference.group_by(KEY, maintain_order=True).agg(
        pl.len().alias("reference"), pl.col("level").max().alias("level"), pl.col("record").min().alias("record")
    )
    counts = table.group_by(KEY).agg(
        pl.len().alias("count"), pl.col("time").min().alias("first"), pl.col("time").max().alias("last")
    )
    joined = seen.join(counts, on=KEY, how="left", nulls_equal=True, maintain_order="left").with_columns(
        pl.col("count").fill_null(0), expected=pl.col("reference") * ratio
    )
    alive = table["service"].unique()
    return joined.filter(
        pl.col("service").is_in(alive.implode()),
        _at_most("count") < pl.col("expected"),
    )


def novelty_clues(change: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a weak clue for the service with most kinds of line that health never saw, DEBUG and deprecations aside.

    It decides only where nothing louder speaks: a fault that logs no error still takes other paths through the code. Of a
    program none of whose lines health knows it says nothing: nobody used it at that time.
    """
    told = change.filter((pl.col("level") >= "INFO") & pl.col("service").is_not_null() & ~pl.col("routine"))
    is_new = pl.col("reference") == 0
    news = told.filter(is_new & (~is_new).any().over("service"))
    clues = []
    for family, program, kinds in _by_family(news, graph):
        component = graph.component_of(program)
        own = kinds.filter(pl.col("service") == program).sort("level", "record", descending=[True, False])
        clues.append(
            Clue(
                kind="change",
                key=f"{family}:new templates",
                finding=family,
                component=component,
                type="bug",
                weight=_NOVELTY_WEIGHT * kinds.height / (news.height + _SOME_NEWS),
                reporter=component,
                statement=f"{component} writes {_kinds(own.height)} that it never wrote in health",
                records=tuple(own["record"].head(3)),
                count=kinds.height,
                first=earliest(kinds["first"]),
                last=latest(kinds["last"]),
            )
        )
    return clues


def absence_clues(gone: pl.DataFrame, table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a weak clue for the program of each service with most kinds of line that are missing; `gone` as of `vanished`.

    A step that is skipped logs nothing, so what is missing tells where; what only a few kinds tell may be an effect.
    """
    missing = gone.filter((pl.col("count") == 0) & pl.col("service").is_not_null())
    clues = []
    for family, program, kinds in _by_family(missing, graph):
        component = graph.component_of(program)
        own = kinds.filter(pl.col("service") == program)
        last = table.filter(pl.col("service") == program).sort("time", "record", nulls_last=False).tail(1)
        clues.append(
            Clue(
                kind="change",
                key=f"{family}:missing templates",
                finding=family,
                component=component,
                type="bug",
                weight=_ABSENCE_WEIGHT
                * (kinds.height / missing.height)
                * kinds.height
                / (kinds.height + _MANY_MISSING),
                reporter=component,
                statement=f"{component} leaves out {_kinds(own.height)} that it wrote in health; this is its last line",
                records=tuple(last["record"]),
                count=kinds.height,
                first=earliest(last["time"]),
                last=latest(last["time"]),
            )
        )
    return clues


def _kinds(number: int) -> str:
    return "a kind of line" if number == 1 else f"{number} kinds of line"


def _by_family(kinds: pl.DataFrame, graph: ServiceGraph) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Yield the kinds of line of each family of programs, with the program that has most of them."""
    service = pl.col("service").cast(pl.String)
    family = service.map_elements(lambda s: graph.family(graph.component_of(s)), pl.String)
    for (name,), own in kinds.with_columns(family=family).group_by("family", maintain_order=True):
        counts = own["service"].cast(pl.String).value_counts().sort("count", "service", descending=[True, False])
        yield str(name), str(counts["service"][0]), own
