"""The log table as entries of the vector store: one per template, service, host and level, never one per line."""

from collections.abc import Mapping

import polars as pl

from openstack_rca.records import Template
from openstack_rca.retrieval.ledger import Metadata
from openstack_rca.retrieval.store import Entry, content_id

_KEYS = ("service", "host", "level", "template")


def log_entries(table: pl.DataFrame, templates: Mapping[str, Template]) -> list[Entry]:
    """Return the entries of a log table whose `template` column is filled, in a stable order.

    The id is made of the keys, the template's text and the time of its first line: the same logs read twice are the
    same entries, and a log that has grown renews its counts in place.
    """
    groups = (
        table.filter(pl.col("template").is_not_null())
        .group_by([pl.col(key).cast(pl.String) for key in _KEYS])
        .agg(pl.col("time").min().alias("first"), pl.col("time").max().alias("last"), pl.len().alias("count"))
        .sort(_KEYS, nulls_last=True)
    )
    return [_entry(row, templates[row["template"]].text) for row in groups.iter_rows(named=True)]


def _entry(row: Mapping[str, object], text: str) -> Entry:
    about: dict[str, str | int | float | bool] = {}
    for key, value in row.items():
        if isinstance(value, int):
            about[key] = value
        elif value is not None:
            about[key] = str(value).replace(" ", "T") + "Z" if key in ("first", "last") else str(value)
    keys = [str(about.get(key, "")) for key in ("service", "host", "level", "first")]
    metadata: Metadata = about
    return Entry(content_id(text, *keys), text, metadata)
