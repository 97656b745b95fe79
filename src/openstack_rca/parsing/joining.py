"""Rows to records: tracebacks and other further lines go to the record that they belong to."""

from dataclasses import dataclass, field

import polars as pl

from openstack_rca.parsing.recognise import ROW_SCHEMA

HELD_LINES = 256
"""So many lines at the end of a block wait for the next one, with the whole records that they belong to."""
MAX_HELD_LINES = 200_000

_FINAL_LINE = r"(?m)^([A-Za-z_][\w.]*(?:: .*)?)\s*\z"


@dataclass
class Joiner:
    """Joins the rows of one file; processes that write into it at the same time do not disturb each other."""

    orphans: int = 0
    _held: list[pl.DataFrame] = field(default_factory=list)

    def add(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the records that are complete; the rest waits for more rows."""
        owned = self._owned(rows)
        tail = owned["owner"].tail(HELD_LINES).min()
        if tail is None:
            return _records(owned)
        held = owned.filter(pl.col("owner") >= tail)
        if held.height > MAX_HELD_LINES:
            return _records(owned)
        self._held = [held.drop("owner")]
        return _records(owned.filter(pl.col("owner") < tail))

    def finish(self) -> pl.DataFrame:
        """Return the records that still waited."""
        held = pl.concat([pl.DataFrame(schema=ROW_SCHEMA), *self._held])
        self._held = []
        return _records(held.with_columns(owner=_owners(held)))

    def _owned(self, rows: pl.DataFrame) -> pl.DataFrame:
        rows = pl.concat([*self._held, rows])
        self._held = []
        owned = rows.with_columns(owner=_owners(rows))
        strays = owned["owner"].null_count()
        self.orphans += strays
        return owned.drop_nulls("owner") if strays else owned


def _owners(rows: pl.DataFrame) -> pl.Series:
    """Return for each row the number of the line that opens its record, null where there is none."""
    opens = rows["opens"].fill_null(False)
    own = pl.select(pl.when(opens).then(rows["line"])).to_series()
    if opens.all():
        return own
    keyed = rows["opens"].is_not_null() & ~opens
    if keyed.any():
        wanted = rows["key"].filter(keyed).unique()
        part = pl.DataFrame({"row": pl.int_range(rows.height, eager=True), "key": rows["key"], "own": own, "line": rows["line"]})
        part = part.filter(pl.col("key").is_in(wanted.implode()))
        first = pl.col("line").first().over("key")
        part = part.with_columns(own=pl.col("own").forward_fill().over("key").fill_null(first))
        own = own.scatter(part["row"], part["own"])
    adopted = pl.when(rows["adopts"].is_null()).then(None).when(rows["adopts"]).then(own).otherwise(-1)
    filled = pl.select(adopted.forward_fill()).to_series()
    return pl.select(pl.coalesce(own, pl.when(filled >= 0).then(filled))).to_series().cast(pl.UInt32)


def _records(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each owner: the opening row with `lines` and, in `detail`, the text of the joined rows."""
    joined = rows.filter(pl.col("owner") != pl.col("line"))
    heads = rows.filter(pl.col("owner") == pl.col("line")).drop("owner")
    if joined.is_empty():
        return heads.with_columns(lines=pl.lit(1, pl.UInt32))
    texts = joined.group_by("owner").agg(
        pl.len().alias("more"), pl.col("message").fill_null("").str.join("\n").str.strip_chars_end().alias("text")
    )
    heads = heads.join(texts, left_on="line", right_on="owner", how="left", maintain_order="left")
    detail = pl.concat_str(["detail", pl.col("text").replace("", None)], separator="\n", ignore_nulls=True).replace("", None)
    heads = heads.with_columns(lines=pl.col("more").fill_null(0).cast(pl.UInt32) + 1, detail=detail).drop("more", "text")
    return _with_message(heads)


def _with_message(heads: pl.DataFrame) -> pl.DataFrame:
    """Give a record without a message of its own the line of its text that says most.

    That is the exception at the end of a bare traceback, else the first line that is not empty.
    """
    bare = pl.col("message").is_null() | pl.col("message").str.starts_with("Traceback (most recent call last)")
    bare = bare & pl.col("detail").is_not_null()
    whole = pl.concat_str(["message", "detail"], separator="\n", ignore_nulls=True)
    first = pl.col("detail").str.strip_chars_start().str.extract(r"^(.*)")
    final = pl.col("detail").str.extract(_FINAL_LINE)
    is_traceback = whole.str.contains("Traceback (most recent call last)", literal=True)
    return heads.with_columns(
        message=pl.when(bare & is_traceback).then(pl.coalesce(final, first)).when(bare).then(first).otherwise("message"),
        detail=pl.when(bare & is_traceback).then(whole).otherwise("detail"),
    )
