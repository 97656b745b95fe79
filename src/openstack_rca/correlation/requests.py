"""The log table -> requests: each with its hops over services, its call, its answer and how long it took."""

import polars as pl

from openstack_rca.correlation.access import calls
from openstack_rca.correlation.stories import with_root

REQUESTS = (
    "first", "last", "seconds", "request_id", "outcome", "status", "method", "path", "user", "project",
    "hops", "services", "hosts", "records", "worst", "errors", "api_seconds", "instance",
)  # fmt: skip
"""Columns of the requests view; `seconds` is from the start of the call, which is logged at its end, to the last record
anywhere; `api_seconds` is what the call itself took."""
_REFUSED, _BROKEN = 400, 500


def requests(table: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each request that the ids join over services, in order of its first record.

    Columns: `REQUESTS`. `status` is that of the call that began it, `hops` counts the services and hosts that it went
    through (`services` names them in order of time), `outcome` is failed when a record of it is an ERROR or an answer is a
    5xx, refused when its own call was answered with a 4xx, unknown when no answer to a call is logged, else ok.
    """
    rooted = with_root(table).filter(pl.col("root").is_not_null())
    hops = pl.concat_str(
        [pl.col("service").cast(pl.String), pl.col("host").cast(pl.String)], separator=" @ ", ignore_nulls=True
    )
    found = (
        rooted.lazy()
        .sort("time", "record", nulls_last=True)
        .group_by("root", maintain_order=True)
        .agg(
            first=pl.col("time").min(),
            last=pl.col("time").max(),
            user=pl.col("user").drop_nulls().first(),
            project=pl.col("project").drop_nulls().first(),
            hops=hops.n_unique(),
            services=pl.col("service").cast(pl.String).unique(maintain_order=True).drop_nulls(),
            hosts=pl.col("host").cast(pl.String).unique(maintain_order=True).drop_nulls(),
            records=pl.len(),
            worst=pl.col("level").max(),
            errors=(pl.col("level") >= "ERROR").sum(),
            instance=pl.col("instance").drop_nulls().first(),
        )
        .collect()
    )
    return (
        found.join(_answered(rooted), on="root", how="left", maintain_order="left")
        .with_columns(first=pl.min_horizontal("first", "_began"))
        .with_columns(
            seconds=(pl.col("last") - pl.col("first")).dt.total_microseconds() / 1e6,
            outcome=pl.when((pl.col("errors") > 0) | (pl.col("_worst_status") >= _BROKEN))
            .then(pl.lit("failed"))
            .when(pl.col("status") >= _REFUSED)
            .then(pl.lit("refused"))
            .when(pl.col("status").is_null())
            .then(pl.lit("unknown"))
            .otherwise(pl.lit("ok")),
            services=pl.col("services").list.join(" → "),
            hosts=pl.col("hosts").list.join(" "),
        )
        .rename({"root": "request_id"})
        .select(REQUESTS)
        .sort("first", maintain_order=True)
    )


def _answered(rooted: pl.DataFrame) -> pl.DataFrame:
    """Return of each request the call that began it, when the first of its calls began, and the worst status of them all."""
    answers = calls(rooted).with_columns(
        _foreign=pl.col("request_id") != pl.col("root"), _began=pl.col("time") - pl.duration(seconds="seconds")
    )
    return (
        answers.sort("_foreign", "_began", "record")
        .group_by("root")
        .agg(
            pl.col("method", "path", "status").first(),
            api_seconds=pl.col("seconds").first(),
            _worst_status=pl.col("status").max(),
            _began=pl.col("_began").min(),
        )
    )
