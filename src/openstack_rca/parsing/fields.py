"""Records to the columns of the log table: ids taken apart, the DEBUG suffix cut off, resources found."""

import re

import polars as pl

from openstack_rca.records import LOG_SCHEMA

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_REQUEST = re.compile(rf"req-\S+|{_UUID}")
_SUFFIX = r" (\{\{\(pid=\d+\) )?((?:\w+|<\w+>) /\S+\.py:\d+)(\}\})?$"
_SUFFIX_PARTS = re.compile(r"(?P<function>\S+) (?P<path>/\S+):(?P<number>\d+)")
_PACKAGES = re.compile(r".*/(?:site|dist)-packages/")
_STDLIB = re.compile(r".*/lib(?:64)?/python[\d.]+/")
ID_COLUMNS = ("global_request_id", "request_id", "user", "project")


def finish(records: pl.DataFrame) -> pl.DataFrame:
    """Return the records with all columns that do not depend on the file."""
    records = records.with_columns(pl.col("message").fill_null(""))
    records = _ids(_origin(records))
    return records.with_columns(
        resources(),
        level=pl.col("level").fill_null("INFO"),
        logger=pl.col("logger").cast(LOG_SCHEMA["logger"]),
        format=pl.col("format").cast(LOG_SCHEMA["format"]),
    ).drop("context", "function", "path", "number", "key", "opens", "adopts")


def resources() -> pl.Expr:
    """The uuids of marker and message, request ids left out, each once, in order."""
    whole = pl.concat_str(["instance", "message"], separator=" ", ignore_nulls=True)
    found = whole.str.extract_all(rf"(?:req-)?{_UUID}")
    wanted = found.list.eval(pl.element().filter(~pl.element().str.starts_with("req-"))).list.unique(maintain_order=True)
    return pl.when(found.list.len() > 0).then(wanted).otherwise(pl.lit([], pl.List(pl.String))).alias("resources")


def _origin(records: pl.DataFrame) -> pl.DataFrame:
    """Cut ` function /path/file.py:123` off the message; what a format captured itself counts as well."""
    suffix = pl.col("message").str.extract(_SUFFIX, 0)
    records = records.with_columns(
        suffix=pl.when(pl.col("level") == "DEBUG").then(suffix),
        package=pl.col("logger").str.extract(r"^(\w+)"),
    )
    own = pl.format("{} {}:{}", pl.col("function").fill_null("?"), "path", pl.col("number").fill_null("?"))
    records = records.with_columns(
        message=pl.when(pl.col("suffix").is_null()).then("message").otherwise(
            pl.col("message").str.strip_suffix(pl.col("suffix"))
        ),
        place=pl.coalesce(pl.col("suffix").str.extract(_SUFFIX, 2), own),
    )
    distinct = records.select("place", "package").unique().drop_nulls("place")
    named = distinct.with_columns(
        origin=pl.Series([origin_of(place, package) for place, package in distinct.iter_rows()], dtype=pl.String)
    )
    return records.join(named, on=["place", "package"], how="left", nulls_equal=True, maintain_order="left").drop(
        "place", "package", "suffix"
    )


def origin_of(place: str, package: str | None) -> str:
    """Return "nova/compute/manager.py:123 function" for "function /usr/lib/…/nova/compute/manager.py:123"."""
    parts = _SUFFIX_PARTS.fullmatch(place)
    if not parts:
        function, _, path = place.partition(" ")
        return f"{path} {function}"
    path = _PACKAGES.sub("", parts["path"])
    if path == parts["path"] and package and f"/{package}/" in path:
        path = path[path.index(f"/{package}/") + 1 :]
        path = path.removeprefix(f"{package}/") if path.startswith(f"{package}/{package}/") else path
    return f"{_STDLIB.sub('', path)}:{parts['number']} {parts['function']}"


def _ids(records: pl.DataFrame) -> pl.DataFrame:
    """Take the context apart, once for every distinct one."""
    distinct = records["context"].drop_nulls().unique()
    known = pl.DataFrame(
        {"context": distinct, **dict(zip(_CONTEXT, zip(*map(split_context, distinct), strict=True), strict=False))},
        schema={"context": pl.String, **dict.fromkeys(_CONTEXT, pl.String)},
    ) if len(distinct) else None
    if known is None:
        return records
    records = records.join(known, on="context", how="left", maintain_order="left")
    return records.with_columns(pl.coalesce(name, f"{name}_of_context").alias(name) for name in ID_COLUMNS).drop(_CONTEXT)


_CONTEXT = tuple(f"{name}_of_context" for name in ID_COLUMNS)


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
