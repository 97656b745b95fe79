"""Records to the columns of the log table: ids taken apart, the DEBUG suffix cut off, resources found."""

import re
from functools import lru_cache

import polars as pl

from openstack_rca.records import LOG_SCHEMA

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_REQUEST = re.compile(rf"req-\S+|{_UUID}")
_SUFFIX = r" (?:\{\{\(pid=\d+\) )?(?:\w+|<\w+>) /\S+\.py:\d+(?:\}\})?$"
_BRACES = re.compile(r"\{\{\(pid=\d+\) |\}\}")
_PACKAGES = re.compile(r".*/(?:site|dist)-packages/")
_STDLIB = re.compile(r".*/lib(?:64)?/python[\d.]+/")
ID_COLUMNS = ("global_request_id", "request_id", "user", "project")


def finish(records: pl.DataFrame) -> pl.DataFrame:
    """Return the records with all columns that do not depend on the file."""
    records = _ids(_origin(records.with_columns(pl.col("message").fill_null("").str.strip_chars())))
    return records.with_columns(
        _resources(records),
        level=pl.col("level").fill_null("INFO"),
        logger=pl.col("logger").cast(LOG_SCHEMA["logger"]),
        format=pl.col("format").cast(LOG_SCHEMA["format"]),
    ).drop("context", "function", "path", "number", "key", "opens", "adopts")


def _resources(records: pl.DataFrame) -> pl.Series:
    """Return the uuids of marker and message, request ids left out, each once, in order."""
    whole = records.select(pl.concat_str(["instance", "message"], separator=" ", ignore_nulls=True)).to_series()
    with_uuid = whole.str.contains(_UUID)
    found = whole.filter(with_uuid).str.extract_all(rf"(?:req-)?{_UUID}")
    wanted = found.list.eval(pl.element().filter(~pl.element().str.starts_with("req-"))).list.unique(
        maintain_order=True
    )
    lists = pl.concat([pl.Series([[]], dtype=pl.List(pl.String)), wanted])
    position = with_uuid.cast(pl.UInt32).cum_sum() * with_uuid
    return lists.gather(position).alias("resources")


def _origin(records: pl.DataFrame) -> pl.DataFrame:
    """Cut ` function /path/file.py:123` off the message; what a format captured itself counts as well."""
    records = records.with_columns(
        suffix=pl.when(pl.col("level") == "DEBUG").then(pl.col("message").str.extract(_SUFFIX, 0)),
        package=pl.col("logger").str.extract(r"^(\w+)"),
    )
    own = pl.concat_str(
        [pl.col("function").fill_null(""), pl.lit(" "), "path", pl.lit(":"), pl.col("number").fill_null("0")]
    )
    records = records.with_columns(
        pl.col("message").str.strip_suffix(pl.col("suffix").fill_null("")), place=pl.coalesce("suffix", own)
    )
    distinct = records.select("place", "package").unique().drop_nulls("place")
    named = distinct.with_columns(origin=pl.Series(map(origin_of, *distinct.get_columns()), dtype=pl.String))
    named_rows = records.join(named, on=["place", "package"], how="left", nulls_equal=True, maintain_order="left")
    return named_rows.drop("place", "package", "suffix")


def origin_of(place: str, package: str | None) -> str:
    """Return "nova/compute/manager.py:123 function" for "function /usr/lib/…/nova/compute/manager.py:123"."""
    function, _, whole = _BRACES.sub("", place).strip().rpartition(" ")
    path = _PACKAGES.sub("", whole)
    if path == whole and package and f"/{package}/" in path:
        path = path[path.index(f"/{package}/") + 1 :]
        path = path.removeprefix(f"{package}/") if path.startswith(f"{package}/{package}/") else path
    return f"{_STDLIB.sub('', path)} {function}".rstrip()


def _ids(records: pl.DataFrame) -> pl.DataFrame:
    """Take the context apart, once for every distinct one; ids that a format gave itself get their prefix."""
    prefixed = [
        pl.when(pl.col(name).str.contains(rf"^{_UUID}$"))
        .then(pl.lit("req-") + pl.col(name))
        .otherwise(name)
        .alias(name)
        for name in ("request_id", "global_request_id")
    ]
    records = records.with_columns(prefixed)
    distinct = records["context"].drop_nulls().unique()
    known = (
        pl.DataFrame(
            {"context": distinct, **dict(zip(_CONTEXT, zip(*map(split_context, distinct), strict=True), strict=False))},
            schema={"context": pl.String, **dict.fromkeys(_CONTEXT, pl.String)},
        )
        if len(distinct)
        else None
    )
    if known is None:
        return records
    records = records.join(known, on="context", how="left", maintain_order="left")
    return records.with_columns(pl.coalesce(name, f"{name}_of_context").alias(name) for name in ID_COLUMNS).drop(
        _CONTEXT
    )


_CONTEXT = tuple(f"{name}_of_context" for name in ID_COLUMNS)


@lru_cache(maxsize=1 << 16)
def split_context(context: str) -> tuple[str | None, str | None, str | None, str | None]:
    """Return global id, request id, user and project of "[…]", new shape, old shape or DevStack's.

    DevStack writes names, the project before the user, and nothing else.
    """
    words = [None if word in ("-", "None") else word for word in context.split(" ")]
    ids = 2 if len(words) > 1 and (context.startswith("None ") or _is_request(words[1])) else 1
    first, second = (words[0], words[1]) if ids == 2 else (None, words[0])
    user, project = (*words[ids:], None, None)[:2]
    if len(words) - ids == 2:
        user, project = project, user
    return _request(first), _request(second), user, project


def _is_request(word: str | None) -> bool:
    return bool(word and _REQUEST.fullmatch(word))


def _request(word: str | None) -> str | None:
    if word is None or not _is_request(word):
        return None
    return word if word.startswith("req-") else f"req-{word}"
