"""What changed: template counts of the logs against a healthy reference, and when the failure set in.

With a baseline, counts are compared per program and template as Poisson rates: a line seen twice against once expected is
no news, one seen ninety times is. Without one, a line is news when it is rare or bunched in time, and routine when it comes
all the time.
"""

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import LOG_SCHEMA, Clue, Pattern

KEY = ["service", "template"]
_TIME = LOG_SCHEMA["time"]
_MIN_SHARE_BEFORE = 0.04
"""A change point must leave at least this share of the time before it to call that time a reference."""
_BUCKETS = 240
_CELLS = 20
_RARE = 3
_FAILURE_FLOOR = 0.35
_LONGEST_RATIO = 20.0
"""Logs of a much longer time than the baseline are not taken to repeat it more often than this."""
_ABSENCE_WEIGHT, _MANY_MISSING = 0.6, 10
"""What it is worth when all kinds of line that are missing are of one service, and how many make half of that."""
_NOVELTY_WEIGHT = 0.3
"""What it weighs at most that a service writes lines which health never saw."""
_SOME_NEWS = 1
"""So many kinds of line that are new make half of what many make."""
_MOSTLY_NEW = 0.5
"""The share of the kinds of line of a program from which on health did not see it at work."""
_FAILURE_MASS = {"WARNING": 0.2, "ERROR": 1.0, "CRITICAL": 1.5}


def span(table: pl.DataFrame) -> float:
    """Return the seconds between the first and the last record of a table; at least 1."""
    if table.is_empty() or table["time"].null_count() == table.height:
        return 1.0
    first, last = table["time"].min(), table["time"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    return max(1.0, (last - first).total_seconds())


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
    ratio = min(_LONGEST_RATIO, span(table) / span(baseline))
    seen = baseline.group_by(KEY).agg(pl.len().alias("reference"))
    joined = counts.join(seen, on=KEY, how="left", nulls_equal=True).with_columns(pl.col("reference").fill_null(0))
    unexplained = 1 - (pl.col("expected") + 2 * pl.col("expected").sqrt() + 0.5) / pl.col("count")
    return joined.with_columns(expected=pl.col("reference") * ratio).with_columns(
        novelty=pl.when(pl.col("reference") == 0).then(1.0).otherwise(unexplained.clip(0, 1))
    )


def _cell(table: pl.DataFrame) -> pl.Expr:
    """Number the cell of time, of `_CELLS` over the whole table, that a record lies in."""
    start, seconds = table["time"].min(), span(table)
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


def failure_mass() -> pl.Expr:
    """Return what a record counts as a failure by its level: 0 below WARNING, 1 for an ERROR."""
    return pl.col("level").cast(pl.String).replace_strict(_FAILURE_MASS, default=0.0, return_dtype=pl.Float64)


def onset(table: pl.DataFrame) -> datetime | None:
    """Return when failures set in: the change point that splits the failure mass best into two Poisson rates.

    The table needs `time`, `level` and, where a baseline gave one, `novelty`. None when nothing fails, or when the
    failures begin with the logs. Method: maximum likelihood of a single change in rate.
    """
    mass = failure_mass()
    if "novelty" in table.columns:
        mass = mass * pl.col("novelty")
    failing = table.select("time", "template", "service", mass=mass).drop_nulls("time").filter(pl.col("mass") > 0)
    if failing.is_empty():
        return None
    start, seconds = table["time"].min(), span(table)
    assert isinstance(start, datetime)
    width = seconds / _BUCKETS
    bucket = (
        ((pl.col("time") - start).dt.total_microseconds() / 1e6 / width).floor().clip(0, _BUCKETS - 1).cast(pl.Int32)
    )
    per = failing.with_columns(bucket=bucket).group_by("bucket", *KEY).agg(pl.col("mass").max() * pl.len().log1p())
    series = per.group_by("bucket").agg(pl.col("mass").sum())
    frame = pl.DataFrame({"bucket": range(_BUCKETS)}, schema={"bucket": pl.Int32})
    series = frame.join(series, on="bucket", how="left").with_columns(pl.col("mass").fill_null(0.0))
    before = series["mass"].cum_sum().shift(1).fill_null(0.0)
    return _change_point(series.with_columns(before=before), start, width, failing)


def _change_point(series: pl.DataFrame, start: datetime, width: float, failing: pl.DataFrame) -> datetime | None:
    total = float(series["mass"].sum())
    n, a = pl.col("bucket").cast(pl.Float64), pl.col("before")
    rate_before, rate_after = (a + 0.1) / (n + 0.5), (total - a + 0.1) / (_BUCKETS - n + 0.5)
    gain = a * rate_before.log() + (total - a) * rate_after.log()
    usable = series.filter(n >= _MIN_SHARE_BEFORE * _BUCKETS, rate_after > 2 * rate_before)
    if usable.is_empty():
        return None
    best = usable.with_columns(gain=gain).sort("gain", "bucket", descending=[True, False]).row(0, named=True)
    edge = start + timedelta(seconds=best["bucket"] * width)
    later = failing.filter(pl.col("time") >= edge)["time"].min()
    return later if isinstance(later, datetime) else edge


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
    """Return the templates that changed most: new and more ones, worst level first, then (`gone`) those that ceased."""
    severe = pl.col("level").to_physical().cast(pl.Int32)
    up = change.filter(pl.col("novelty") > 0.5).with_columns(severe=severe)
    order = ["severe", "novelty", "count", "record"]
    rows = up.sort(order, descending=[True, True, True, False]).head(most if gone is None else most * 3 // 4)
    found = [_pattern(r, texts, "new" if r["reference"] == 0 else "more") for r in rows.iter_rows(named=True)]
    if gone is not None:
        down = (
            gone.with_columns(severe=severe)
            .sort("expected", "record", descending=[True, False])
            .head(most - len(found))
        )
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


def novelty_clues(change: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a weak clue for the service with most kinds of line that health never saw, DEBUG and deprecations aside.

    It decides only where nothing louder speaks: a fault that logs no error still takes other paths through the code. Of a
    program of which health knows less than half it says nothing: nobody used it at that time.
    """
    kinds = change.filter(
        (pl.col("level") >= "INFO") & pl.col("service").is_not_null() & ~pl.col("routine")
    ).with_columns(
        family=pl.col("service").cast(pl.String).map_elements(lambda s: graph.family(graph.resolve(s) or s), pl.String)
    )
    is_new = pl.col("reference") == 0
    news = kinds.filter(is_new & (is_new.mean().over("service") <= _MOSTLY_NEW))
    clues = []
    for (family,), group in news.group_by("family", maintain_order=True):
        counts = group["service"].cast(pl.String).value_counts().sort("count", "service", descending=[True, False])
        service = str(counts["service"][0])
        component = graph.resolve(service) or service
        own = group.filter(pl.col("service") == service).sort("level", "record", descending=[True, False])
        clues.append(
            Clue(
                kind="change",
                key=f"{family}:new templates",
                component=component,
                host=None,
                type="bug",
                role="cause",
                weight=_NOVELTY_WEIGHT * group.height / (news.height + _SOME_NEWS),
                reporter=component,
                statement=f"{component} writes {own.height} kinds of line that it never wrote in health",
                records=tuple(own["record"].head(3)),
                count=group.height,
                first=_time(group["first"].min()),
                last=_time(group["last"].max()),
            )
        )
    return clues


def absence_clues(gone: pl.DataFrame, table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a weak clue for the program of each service with most kinds of line that are missing; `gone` as of `vanished`.

    A step that is skipped logs nothing, so what is missing tells where; what only a few kinds tell may be an effect.
    """
    missing = gone.filter((pl.col("count") == 0) & pl.col("service").is_not_null()).with_columns(
        family=pl.col("service").cast(pl.String).map_elements(lambda s: graph.family(graph.resolve(s) or s), pl.String)
    )
    clues = []
    for (family,), group in missing.group_by("family", maintain_order=True):
        counts = group["service"].cast(pl.String).value_counts().sort("count", "service", descending=[True, False])
        service = str(counts["service"][0])
        last = (
            table.filter(pl.col("service").cast(pl.String) == service).sort("time", "record", nulls_last=False).tail(1)
        )
        component = graph.resolve(service) or service
        clues.append(
            Clue(
                kind="change",
                key=f"{family}:missing templates",
                component=component,
                host=None,
                type="bug",
                role="cause",
                weight=_ABSENCE_WEIGHT
                * (group.height / missing.height)
                * group.height
                / (group.height + _MANY_MISSING),
                reporter=component,
                statement=f"{component} leaves out {counts['count'][0]} kinds of line that it wrote in health; this is its last line",
                records=tuple(last["record"]),
                count=group.height,
                first=_time(last["time"].min()),
                last=_time(last["time"].max()),
            )
        )
    return clues


def _time(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


def vanished(table: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """Return templates that the reference leads one to expect and that are missing or rare: columns as in `compare`.

    Only programs that still write are looked at: the silence of a whole program is another matter.
    """
    ratio = min(_LONGEST_RATIO, span(table) / span(reference))
    seen = reference.group_by(KEY).agg(
        pl.len().alias("reference"), pl.col("level").max().alias("level"), pl.col("record").min().alias("record")
    )
    counts = table.group_by(KEY).agg(
        pl.len().alias("count"), pl.col("time").min().alias("first"), pl.col("time").max().alias("last")
    )
    joined = seen.join(counts, on=KEY, how="left", nulls_equal=True).with_columns(
        pl.col("count").fill_null(0), expected=pl.col("reference") * ratio
    )
    alive = table["service"].unique()
    return joined.filter(
        pl.col("service").is_in(alive.implode()),
        pl.col("count") + 2 * pl.col("expected").sqrt() + 0.5 < pl.col("expected"),
    )
