"""Views of the logs: requests, capacity and audit, and what a table shows of each."""

from collections.abc import Callable, Sequence

import polars as pl

from openstack_rca.cli.log_lines import show
from openstack_rca.correlation import audit, capacity, requests, with_root

_SECONDS = pl.col("seconds").round(3)

VIEWS: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], Sequence[str | pl.Expr]]] = {
    "requests": (
        requests,
        (
            pl.col("first").alias("time"), _SECONDS, "outcome", "status", "method",
            pl.col("hops"), pl.col("request_id").alias("request"), pl.col("services").alias("through"), "path",
        ),
    ),
    "capacity": (
        capacity,
        (
            "time", "host", "kind", "resource", "amount", "used", "free", "total", "limit", "unit",
            pl.col("request_id").str.slice(4, 8).alias("request"), "message",
        ),
    ),
    "audit": (
        audit,
        (
            "time", "service", "kind", "status", "method", pl.col("user").str.slice(0, 8),
            pl.col("project").str.slice(0, 8), pl.col("request_id").str.slice(4, 8).alias("request"),
            pl.coalesce("path", "message").alias("what"),
        ),
    ),
}  # fmt: skip
"""Each view: what makes it of the log table, and the columns of its table."""


def show_view(name: str, table: pl.DataFrame, chosen: pl.DataFrame, form: str) -> None:
    """Write a view to standard output: of requests those that touch a chosen record, of others the chosen records.

    A view is made of the whole table, as a request is more than those of its records that pass a filter.
    """
    make, columns = VIEWS[name]
    made = make(table)
    if chosen.height < table.height:
        if name == "requests":
            roots = with_root(table).join(chosen.select("record"), on="record", how="semi")["root"]
            made = made.filter(pl.col("request_id").is_in(roots.drop_nulls().unique().implode()))
        else:
            made = made.join(chosen.select("record"), on="record", how="semi")
    show(made, form, columns)
