"""Requests followed over services: local ids inside a service, `callee.global == caller.local` across services.

Source of the joining rules: docs/decisions/0010-diagnosis.md; oslo.context (context.py) and the HTTP clients of nova.
"""

import re
from collections.abc import Sequence

import polars as pl

from openstack_rca.records import Hop, Question, Story

_IS_BAD = (pl.col("level") >= "ERROR") | pl.col("message").str.contains(
    r"(?:status: |HTTP/1\.[01]\"? |HTTP \()([45]\d\d)"
)
"""Whether a record is an error, or tells of an answer of 400 and above."""
_MOST_RECORDS = 50
"""So many of the records of a hop are told."""
_MOST_NAMED = 50
"""A name that more requests hold than this is not that of one resource."""
_NOVEL = 0.5
"""With this much of novel failures a request is a failed one."""


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
    """Return the id where the chain of parents ends; a circle is followed once."""
    seen = {child}
    while (up := parent.get(child)) and up not in seen:
        child = up
        seen.add(child)
    return child


def asked_roots(table: pl.DataFrame, question: Question) -> list[str]:
    """Return the roots of the requests that the question names, by request id or by a resource that they touch."""
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
    """Return the roots of requests that hold novel failures: users' requests first, then those over most services."""
    return (
        table.filter(pl.col("root").is_not_null())
        .group_by("root", maintain_order=True)
        .agg(
            failures=(_IS_BAD * pl.col("novelty")).sum(),
            services=pl.col("service").n_unique(),
            user=pl.col("project").is_not_null().any(),
            first=pl.col("time").min(),
        )
        .filter(pl.col("failures") > _NOVEL)
        .sort("user", "services", "failures", "first", descending=[True, True, True, False], maintain_order=True)
        .head(most)["root"]
        .to_list()
    )


def follow(table: pl.DataFrame, roots: Sequence[str]) -> tuple[Story, ...]:
    """Return one story a root: a hop for each service, host and local request id, in order of time."""
    hops = (
        table.filter(pl.col("root").is_in(list(roots)))
        .group_by("root", "service", "host", "request_id", maintain_order=True)
        .agg(
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            pl.col("record").head(_MOST_RECORDS),
            pl.col("level").max(),
            bad=_IS_BAD.any(),
        )
        .sort("first", "service", nulls_last=True)
    )
    found: dict[str, list[Hop]] = {root: [] for root in roots}
    for r in hops.iter_rows(named=True):
        found[r["root"]].append(
            Hop(
                service=r["service"] or "unknown",
                host=r["host"],
                request_id=r["request_id"],
                first=r["first"],
                last=r["last"],
                records=tuple(r["record"]),
                worst=r["level"],
                failed=r["bad"],
            )
        )
    return tuple(Story(root, "request", tuple(hs), any(h.failed for h in hs)) for root, hs in found.items() if hs)
