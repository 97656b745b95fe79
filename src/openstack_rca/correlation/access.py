"""The log table -> API calls and refusals: who called what, and with which answer."""

from functools import cache
from typing import Any

import polars as pl

from openstack_rca.knowledge import read

CALL = r"(?:^|[\s\"])(GET|POST|PUT|DELETE|PATCH|HEAD) (?:https?://[^/\s]+)?(/[^\s\"]*)"
"""The method and the path of a call, as access logs write it."""
STATUS = r"(?:HTTP/[\d.]+\"? |status: |HTTP/[\d.]+\" status: |\(HTTP/[\d.]+ )(\d{3})\b"
"""The status of the answer, as access logs write it."""
_SECONDS = r"time: ([\d.]+)|\" \d{3} \d+ ([\d.]+)$|in (\d+) msecs"
_CLIENT = r"(?:^|\] )(\d{1,3}(?:\.\d{1,3}){3})[ ,]"
_TWICE = "uwsgi-request"
"""Where a service logs its calls itself, those that its web server logs beside it are the same ones."""

AUDIT = (
    "time", "service", "host", "kind", "user", "project", "method", "path", "status", "seconds", "client",
    "request_id", "message", "file", "line", "record",
)  # fmt: skip
"""Columns of the audit view."""


def calls(table: pl.DataFrame) -> pl.DataFrame:
    """Return the access-log lines, each call once, with `method`, `path`, `status`, `seconds` and `client`."""
    found = (
        table.lazy()
        .filter(pl.col("message").str.contains(CALL))
        .with_columns(
            method=pl.col("message").str.extract(CALL, 1),
            path=pl.col("message").str.extract(CALL, 2),
            status=pl.col("message").str.extract(STATUS, 1).cast(pl.Int32),
            client=pl.col("message").str.extract(_CLIENT, 1),
            _own=pl.col("message").str.extract(_SECONDS, 1).cast(pl.Float64),
            _web=pl.col("message").str.extract(_SECONDS, 2).cast(pl.Float64),
            _ms=pl.col("message").str.extract(_SECONDS, 3).cast(pl.Float64) / 1000,
        )
        .filter(pl.col("status").is_not_null())
        .with_columns(seconds=pl.coalesce("_own", "_web", "_ms"), _by_web=pl.col("format") == _TWICE)
        .with_columns(_also_own=(~pl.col("_by_web")).any().over("service"))
        .filter(~(pl.col("_by_web") & pl.col("_also_own")))
        .drop("_own", "_web", "_ms", "_by_web", "_also_own")
    )
    return found.collect()


def audit(table: pl.DataFrame) -> pl.DataFrame:
    """Return who called which API on what with which answer, and who was refused, in order of time.

    Columns: `AUDIT`. `kind` is call, authentication (failed, or answered 401), or policy (refused, or answered 403).
    """
    answered = calls(table).with_columns(
        kind=pl.when(pl.col("status") == 401)
        .then(pl.lit("authentication"))
        .when(pl.col("status") == 403)
        .then(pl.lit("policy"))
        .otherwise(pl.lit("call"))
    )
    rest = table.join(answered.select("record"), on="record", how="anti")
    told = [_told(rest, rule) for rule in _rules()]
    missing = [name for name in AUDIT if name not in rest.columns and name != "kind"]
    schema = {name: answered.schema[name] for name in missing}
    parts = [t.with_columns(pl.lit(None, schema[n]).alias(n) for n in missing).select(AUDIT) for t in told]
    return pl.concat([answered.select(AUDIT), *parts]).unique("record", maintain_order=True).sort("time", "record")


def _told(table: pl.DataFrame, rule: dict[str, Any]) -> pl.DataFrame:
    found = table.filter(pl.col("message").str.contains(rule["regex"])).with_columns(kind=pl.lit(rule["kind"]))
    if "user" in rule:
        found = found.with_columns(user=pl.coalesce("user", pl.col("message").str.extract(rule["user"], 1)))
    return found


@cache
def _rules() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = read("audit.yaml")["rules"]
    return rules
