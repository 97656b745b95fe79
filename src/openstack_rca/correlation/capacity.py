"""The log table -> capacity: what was asked for, used, in the inventory, allocated, released and refused, per host."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import polars as pl

from openstack_rca.knowledge import read

NUMBERS = ("amount", "used", "free", "total", "limit", "reserved")
CAPACITY = (
    "time", "host", "service", "kind", "resource", "amount", "used", "free", "total", "limit", "reserved",
    "unit", "provider", "instance", "request_id", "message", "file", "line", "record",
)  # fmt: skip
"""Columns of the capacity view; numbers are in `unit` (MB of memory, GB of disk, vcpus have none)."""
_TEXTS = ("host", "provider", "resource")


def capacity(table: pl.DataFrame) -> pl.DataFrame:
    """Return what the logs say about capacity, a row for each resource of a record, in order of time.

    Columns: `CAPACITY`. `kind` is asked, usage, inventory, allocation, released or refused. A host that only its
    resource provider is named by is looked up where a compute host's own log names the provider.
    """
    knowledge = _knowledge()
    telling = table.filter(
        pl.col("message").str.contains_any(sorted({rule["contains"] for rule in knowledge["rules"]}))
    )
    parts = [_rows(telling, rule) for rule in knowledge["rules"]]
    found = pl.concat(parts).with_columns(pl.col("resource").replace(knowledge["resources"]))
    homes = found.filter(pl.col("provider").is_not_null() & pl.col("host").is_not_null())
    homes = homes.group_by("provider").agg(_home=pl.col("host").first())
    known = found.join(homes, on="provider", how="left").with_columns(host=pl.coalesce("host", "_home"))
    return known.select(CAPACITY).sort("time", "record", nulls_last=True, maintain_order=True)


def _rows(table: pl.DataFrame, rule: Mapping[str, Any]) -> pl.DataFrame:
    """Return the rows that one rule of the knowledge reads out of some records."""
    message = pl.col("message")
    given: dict[str, str] = rule["fields"]
    texts = {name: message.str.extract(regex, 1) for name, regex in given.items()}
    found = table.filter(message.str.contains(rule["contains"], literal=True))
    if not rule.get("without_fields"):
        asked = [e for name, e in texts.items() if name not in _TEXTS] or list(texts.values())
        found = found.filter(pl.any_horizontal(e.is_not_null() for e in asked))
    numbers = {n: texts[n].cast(pl.Float64) if n in texts else pl.lit(None, pl.Float64) for n in NUMBERS}
    return found.select(
        "time", "service", "instance", "request_id", "message", "file", "line", "record",
        host=pl.coalesce(pl.col("host").cast(pl.String), texts.get("host", pl.lit(None, pl.String))),
        kind=pl.lit(rule["kind"]),
        resource=texts.get("resource", pl.lit(rule.get("resource"), pl.String)),
        unit=pl.lit(rule.get("unit") or None, pl.String),
        provider=texts.get("provider", pl.lit(None, pl.String)),
        **numbers,
    ).select(CAPACITY)  # fmt: skip


@cache
def _knowledge() -> dict[str, Any]:
    data: dict[str, Any] = read("capacity.yaml")
    return data
