"""Labels with a meaning: they know their source, and which features they are made of, so that these are withheld."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from openstack_rca.classify.samples import IMPORTANT, ORDINARY, UNKNOWN

_MOSTLY = 0.5
_WARNING = 2


@dataclass(frozen=True)
class Labels:
    """One label a record, the source in words, and the columns of the log table that the labels are made of.

    Features of these columns, and the template itself, must not reach a model that learns from the labels.
    """

    values: NDArray[np.int8]
    source: str
    made_of: tuple[str, ...] = ()


def cited(table: pl.DataFrame, lines: pl.DataFrame, start: datetime | None, end: datetime | None) -> Labels:
    """Label a case by its cited evidence: `lines` holds `file` and `line` (from 1) of every line that is cited.

    Important is a cited record within the fault (`start` to `end`, UTC), and one whose template the citations mean:
    most of the template's records in the cited file are cited. All other records are ordinary.
    """
    inside = _inside(table, start, end)
    hit = holding(table, lines) & inside
    templates = table.select("template", pl.col("file").cast(pl.String))
    counted = templates.with_columns(hit=hit, inside=inside).filter("inside")
    means = counted.group_by("file", "template").agg(pl.col("hit").mean()).filter(pl.col("hit") >= _MOSTLY)["template"]
    meant = table["template"].is_in(means.unique().implode()).fill_null(False).to_numpy() & inside
    return Labels(np.where(hit | meant, IMPORTANT, ORDINARY).astype(np.int8), "evidence cited in cases")


def traced(table: pl.DataFrame, file: str, function: str | None, start: datetime | None) -> Labels:
    """Label a case of which only the faulty source is known.

    Important is a record, from `start` on, whose traceback passes through that function (through that file, when no
    record names the function). Other records from then on at WARNING or above may be consequences: they stay unknown.
    All others are ordinary.
    """
    inside = _inside(table, start, None)
    text = pl.concat_str(pl.col("message", "detail").fill_null(""), separator="\n")
    frame = rf'{re.escape(file)}"?, line \d+, in '
    if function and table.select(text.str.contains(frame + rf"{re.escape(function)}\b").any()).item():
        frame += rf"{re.escape(function)}\b"
    hit = table.select(text.str.contains(frame)).to_series().to_numpy() & inside
    unclear = inside & (table["level"].to_physical() >= _WARNING).fill_null(False).to_numpy()
    values = np.where(hit, IMPORTANT, np.where(unclear, UNKNOWN, ORDINARY)).astype(np.int8)
    return Labels(values, "tracebacks through the faulty source", ("detail",))


def healthy(table: pl.DataFrame) -> Labels:
    """Label a healthy stretch: every record is ordinary."""
    return Labels(np.full(len(table), ORDINARY, dtype=np.int8), "healthy baselines")


def weak(table: pl.DataFrame, known_failures: Collection[int] = ()) -> Labels:
    """Label logs without any case, by rules that are right more often than not.

    Important is a record at ERROR or above whose template makes up less than a thousandth of the records, or one of the
    `known_failures` (record ids that a signature found); ordinary is one below WARNING whose template occurs ten
    times or more and was never found by a signature. The rest is unknown.
    """
    count = table.select(pl.len().over("template"))["len"].to_numpy()
    level = table["level"].to_physical().fill_null(1).to_numpy()
    known = table["record"].is_in(list(known_failures)).to_numpy()
    suspect = table["template"].is_in(table["template"].filter(known).unique().implode()).fill_null(False).to_numpy()
    important = known | ((level > _WARNING) & (count < max(len(table) / 1000, 2)))
    ordinary = (level < _WARNING) & (count >= 10) & ~known & ~suspect
    values = np.where(important, IMPORTANT, np.where(ordinary, ORDINARY, UNKNOWN)).astype(np.int8)
    made_of = ("level", "template", *(("message", "detail") if known_failures else ()))
    return Labels(values, "weak rules over level, rarity and signatures (no case was given)", made_of)


def _inside(table: pl.DataFrame, start: datetime | None, end: datetime | None) -> NDArray[np.bool_]:
    """Return which records lie within the fault; all of them when none has a time or the fault has none."""
    if table["time"].null_count() == len(table):
        return np.ones(len(table), dtype=bool)
    result = np.ones(len(table), dtype=bool)
    if start:
        result &= (table["time"] >= start).fill_null(False).to_numpy()
    if end:
        result &= (table["time"] <= end).fill_null(False).to_numpy()
    return result


def holding(table: pl.DataFrame, lines: pl.DataFrame) -> NDArray[np.bool_]:
    """Return which records hold one of the lines given by `file` and `line` (from 1)."""
    asked = lines.select(pl.col("file").cast(pl.String), asked=pl.col("line").cast(pl.Int64)).sort("asked")
    spans = table.select(pl.col("file").cast(pl.String), pl.col("line", "lines").cast(pl.Int64), "record").sort("line")
    found = asked.join_asof(spans, left_on="asked", right_on="line", by="file", check_sortedness=False)
    held = found.filter(pl.col("asked") < pl.col("line") + pl.col("lines"))["record"]
    return table["record"].is_in(held.unique().implode()).to_numpy()
