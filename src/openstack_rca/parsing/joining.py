"""Rows to records: tracebacks and other further lines go to the record that they belong to."""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from openstack_rca.parsing.rows import ROW_SCHEMA

HELD_LINES = 256
"""So many lines at the end of a block wait for the next one, with the whole records that they belong to."""
MAX_HELD_LINES = 200_000

_ESCAPED_LINE = "#012"
"""A line feed inside a message, as rsyslog writes it ($EscapeControlCharactersOnReceive); a tab is #011."""
_OSLO_PREFIX = r"(?m)^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]\d+ \d+ [A-Z]+ [\w.\-]+(?: \[[^\]\n]*\])?(?: |$)"
"""What oslo.log begins each line of a traceback with (logging_exception_prefix)."""
_FINAL_LINE = r"(?m)^([A-Za-z_][\w.]*(?:: .*)?)\s*\z"


@dataclass
class Joiner:
    """Joins the rows of a run; processes that write into one file at the same time do not disturb each other."""

    orphans: Counter[int] = field(default_factory=Counter)
    """How many lines of each file belong to no record."""
    _held: list[pl.DataFrame] = field(default_factory=list)

    def add(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the records that are complete; those at the end wait, for the last file may go on."""
        owned = self._owned(rows)
        if owned.is_empty():
            return _records(owned)
        ends = owned.tail(HELD_LINES)
        first = ends.filter(pl.col("file") == ends["file"].item(-1))["owner"].min()
        held = owned.filter(pl.col("owner") >= first)
        if held.height < MAX_HELD_LINES:
            self._held = [held.drop("owner")]
            owned = owned.filter(pl.col("owner") < first)
        return _records(owned)

    def finish(self) -> pl.DataFrame:
        """Return the records that still waited."""
        return _records(self._owned(pl.DataFrame(schema=ROW_SCHEMA)))

    def _owned(self, rows: pl.DataFrame) -> pl.DataFrame:
        rows = pl.concat([*self._held, rows])
        self._held = []
        owned = rows.with_columns(owner=_owners(rows))
        if owned["owner"].null_count():
            strays = owned.filter(pl.col("owner").is_null())["file"].value_counts()
            self.orphans.update(dict(strays.iter_rows()))
            owned = owned.drop_nulls("owner")
        return owned


def _owners(rows: pl.DataFrame) -> pl.Series:
    """Return for each row the number of the row that opens its record, null where there is none."""
    opens = rows["opens"].fill_null(False)
    own = pl.select(pl.when(opens).then(rows["row"])).to_series()
    if opens.all():
        return own
    keyed = rows["opens"].is_not_null() & ~opens
    if keyed.any():
        part = rows.select("row", "key", own=own, at=pl.int_range(pl.len()))
        part = part.filter(pl.col("key").is_in(rows["key"].filter(keyed).unique().implode()))
        first = pl.col("row").first()  # without a record before them, the first of such lines opens one
        part = part.with_columns(own=pl.col("own").forward_fill().fill_null(first).over("key"))
        own = own.scatter(part["at"], part["own"])
    owner = _adopted(rows, own)
    strays = owner.is_null() & rows["format"].is_not_null()  # they would join a record if there were one
    if strays.any():
        own = pl.select(pl.when(strays).then(rows["row"]).otherwise(own)).to_series()
        owner = _adopted(rows, own)
    return owner


def _adopted(rows: pl.DataFrame, own: pl.Series) -> pl.Series:
    """Return the owners with those of lines that belong to the record before them in their file."""
    nobody = pl.lit(-1, pl.Int64)
    adopting = (
        pl.when(own.is_not_null())
        .then(pl.when(pl.col("adopts")).then(own).otherwise(nobody))
        .when(pl.col("file") != pl.col("file").shift(1))
        .then(nobody)
    )
    before = rows.select(adopting.forward_fill()).to_series()
    return pl.select(pl.coalesce(own, pl.when(before >= 0).then(before))).to_series().cast(pl.UInt32)


def _records(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each owner: the opening row with `lines` and, in `detail`, the text of the joined rows."""
    heads = _unescaped(rows.filter(pl.col("owner") == pl.col("row")).drop("owner"))
    joined = rows.filter(pl.col("owner") != pl.col("row"))
    if joined.is_empty():
        return heads.with_columns(lines=pl.lit(1, pl.UInt32))
    texts = joined.group_by("owner").agg(
        pl.len().alias("more"), pl.col("message").fill_null("").str.join("\n").str.strip_chars_end().alias("text")
    )
    heads = heads.join(texts, left_on="row", right_on="owner", how="left", maintain_order="left")
    detail = pl.concat_str(["detail", pl.col("text").replace("", None)], separator="\n", ignore_nulls=True).replace(
        "", None
    )
    heads = heads.with_columns(lines=pl.col("more").fill_null(0).cast(pl.UInt32) + 1, detail=detail).drop(
        "more", "text"
    )
    return _with_message(heads)


def _unescaped(heads: pl.DataFrame) -> pl.DataFrame:
    """Give messages that syslog put on one line their further lines back, as detail."""
    escaped = pl.col("message").str.contains(_ESCAPED_LINE, literal=True).fill_null(False)
    if not heads.select(escaped.any()).item():
        return heads
    message = (
        pl.col("message").str.replace_all(_ESCAPED_LINE, "\n", literal=True).str.replace_all("#011", "\t", literal=True)
    )
    further = message.str.extract(r"(?s)^[^\n]*\n(.*)$").str.replace_all(_OSLO_PREFIX, "").str.strip_chars_end()
    return heads.with_columns(
        message=pl.when(escaped).then(message.str.extract(r"^([^\n]*)")).otherwise("message"),
        detail=pl.when(escaped)
        .then(pl.concat_str([further, "detail"], separator="\n", ignore_nulls=True).replace("", None))
        .otherwise("detail"),
    )


def _with_message(heads: pl.DataFrame) -> pl.DataFrame:
    """Give a record without a message of its own the line of its text that says most.

    That is the exception at the end of a bare traceback, else the first line that is not empty.
    """
    starts_bare = pl.col("message").is_null() | pl.col("message").str.starts_with("Traceback (most recent call last)")
    bare = heads.select(starts_bare & pl.col("detail").is_not_null()).to_series()
    if not bare.any():
        return heads
    part = heads.filter(bare)
    whole = pl.concat_str(["message", "detail"], separator="\n", ignore_nulls=True)
    traceback = whole.str.contains("Traceback (most recent call last)", literal=True)
    first = pl.col("detail").str.strip_chars_start().str.extract(r"^(.*)")
    final = pl.col("detail").str.extract(_FINAL_LINE)
    part = part.with_columns(
        message=pl.when(traceback).then(pl.coalesce(final, first)).otherwise(first),
        detail=pl.when(traceback).then(whole).otherwise("detail"),
    )
    return pl.concat([heads.filter(~bare), part]).sort("row")
