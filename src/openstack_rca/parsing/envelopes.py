"""Envelopes (syslog, journal, containers) and their contents as one row each."""

import polars as pl

from openstack_rca.parsing.rows import ROW_SCHEMA, goes_on

_FROM_CONTENT = ("level", "logger", "context", "instance", "function", "path", "number", "detail", "format", "pid")
_FROM_ENVELOPE = ("host", "program", "request_id", "user", "project")


def merged(outer: pl.DataFrame, inner: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each line from the envelope's row and the row of what it holds.

    The content's time counts unless only the envelope's has a zone. Where the content has no header, an indented line
    belongs to the line before it of the same program, any other is a record. In an envelope that names no program it
    belongs to the record before it, as it would without the envelope, unless nothing in the file has a header.
    """
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in ROW_SCHEMA.items() if name not in outer.columns]
    both = pl.concat([outer.with_columns(absent), inner.rename(lambda name: f"inner_{name}")], how="horizontal")
    known = pl.col("inner_format").is_not_null()
    by_program = pl.col("key").is_not_null()
    better = pl.col("inner_time").is_not_null() & (
        (pl.col("inner_zone") != "assumed") | (pl.col("zone") == "assumed") | pl.col("time").is_null()
    )
    return both.with_columns(
        *(pl.coalesce(f"inner_{name}", name).alias(name) for name in _FROM_CONTENT),
        *(pl.coalesce(name, f"inner_{name}").alias(name) for name in _FROM_ENVELOPE),
        *(pl.when(better).then(f"inner_{name}").otherwise(name).alias(name) for name in ("time", "zone", "yearless")),
        message=pl.when(known).then("inner_message").otherwise("message"),
        service=pl.coalesce("inner_service", "service"),
        key=pl.when(by_program).then("key").otherwise("inner_key"),
        opens=pl.when(known).then("inner_opens").when(by_program | ~known.any().over("file")).then(~goes_on()),
        adopts=pl.coalesce("inner_adopts", "adopts"),
    ).select(*ROW_SCHEMA)
