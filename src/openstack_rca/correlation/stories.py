"""Requests followed over services: local ids inside a service, `callee.global == caller.local` across services.

Source of the joining rules: docs/decisions/0010-diagnosis.md; oslo.context (context.py) and the HTTP clients of nova.
"""

import re
from collections.abc import Sequence

import polars as pl

from openstack_rca.records import Hop, Question, Story

_FAILED_STATUS = r"(?:status: |HTTP/1\.[01]\"? |HTTP \()([45]\d\d)"
_MOST_RECORDS = 50
_MOST_NAMED = 50


def with_root(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with the column `root`: the request id under which the whole operation began; null without ids.

    An id seen as global is the root of every local id that was logged beside it; chains are followed to their end.
    """
    pairs = (
        table.lazy()
        .select("request_id", "global_request_id")
        .drop_nulls()
        .filter(pl.col("request_id") != pl.col("global_request_id"))
        .unique(subset=["request_id"], keep="first", maintain_order=True)
        .collect()
    )
    parent = dict(pairs.iter_rows())
    roots = {child: _root(child, parent) for child in parent}
    local = pl.coalesce("request_id", "global_request_id")
    if not roots:
        return table.with_columns(root=local)
    lookup = pl.DataFrame({"_id": list(roots), "_root": list(roots.values())})
    return (
        table.with_columns(_id=local)
        .join(lookup, on="_id", how="left")
        .with_columns(root=pl.coalesce("_root", "_id"))
        .drop("_id", "_root")
    )


def _root(child: str, parent: dict[str, str]) -> str:
    seen = {child}
    while (up := parent.get(child)) and up not in seen:
        child = up
        seen.add(child)
    return child


def asked_roots(table: pl.DataFrame, question: Question) -> list[str]:
    """Return the roots of the requests that the question names, by request id or by a resource they touch.

    A name that very many requests hold says nothing: it is not that of one resource.
    """
    wanted = pl.lit(False)
    if question.request_ids:
        ids = list(question.request_ids)
        wanted |= pl.col("request_id").is_in(ids) | pl.col("global_request_id").is_in(ids)
    for uuid in question.uuids:
        wanted |= (pl.col("instance") == uuid) | pl.col("resources").list.contains(uuid)
    found: list[str] = table.filter(wanted)["root"].drop_nulls().unique(maintain_order=True).to_list()
    for name in question.names:
        holding = pl.col("message").str.contains(rf"(?i)(?:^|[^\w-]){re.escape(name)}(?:$|[^\w-])")
        roots = table.filter(pl.col("root").is_not_null() & holding)["root"].unique(maintain_order=True).to_list()
        found += roots if len(roots) <= _MOST_NAMED else []
    return list(dict.fromkeys(found))


def failed_roots(table: pl.DataFrame, most: int = 12) -> list[str]:
    """Return the roots of requests that hold novel failures, the ones over most services first."""
    bad = (pl.col("level") >= "ERROR") | pl.col("message").str.contains(_FAILED_STATUS)
    return (
        table.filter(pl.col("root").is_not_null())
        .group_by("root")
        .agg(
            failures=(bad * pl.col("novelty")).sum(),
            services=pl.col("service").n_unique(),
            user=pl.col("project").is_not_null().any(),
            first=pl.col("time").min(),
        )
        .filter(pl.col("failures") > 0.5)
        .sort("user", "services", "failures", "first", descending=[True, True, True, False])
        .head(most)["root"]
        .to_list()
    )


def follow(table: pl.DataFrame, roots: Sequence[str]) -> tuple[Story, ...]:
    """Return one story a root: a hop for each service, host and local request id, in order of time."""
    chosen = table.filter(pl.col("root").is_in(list(roots))).with_columns(
        bad=(pl.col("level") >= "ERROR") | pl.col("message").str.contains(_FAILED_STATUS)
    )
    hops = (
        chosen.group_by("root", "service", "host", "request_id", maintain_order=True)
        .agg(
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            pl.col("record").head(_MOST_RECORDS),
            pl.col("level").max(),
            pl.col("bad").any(),
        )
        .sort("first", "service", nulls_last=True)
    )
    found: dict[str, list[Hop]] = {root: [] for root in roots}
    for r in hops.iter_rows(named=True):
        found[r["root"]].append(
            Hop(
                r["service"] or "unknown",
                r["host"],
                r["request_id"],
                r["first"],
                r["last"],
                tuple(r["record"]),
                r["level"],
                r["bad"],
            )
        )
    return tuple(Story(root, "request", tuple(hs), any(h.failed for h in hs)) for root, hs in found.items() if hs)
