"""Records to the columns of the log table: ids taken apart, the DEBUG suffix cut off, resources found."""

import re
from functools import lru_cache

import polars as pl

from openstack_rca.records import LOG_SCHEMA

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_REQUEST = re.compile(rf"req-\S+|{_UUID}")
_SUFFIX = r" (?:\{\{\(pid=\d+\) )?(?:\w+|<\w+>) /\S+\.py:\d+(?:\}\})?$"
_BRACES = re.compile(r"\{\{\(pid=\d+\) |\}\}")
_BEFORE_PACKAGE = re.compile(r"^.*/(?:(?:site|dist)-packages|lib(?:64)?/python[\d.]+|opt/stack/[^/]+)/")
_REQUEST_IDS = ("global_request_id", "request_id")
_ID_COLUMNS = (*_REQUEST_IDS, "user", "project")
_TAKEN = tuple(f"{name}_of_context" for name in _ID_COLUMNS)


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
    suffix = pl.when(pl.col("level") == "DEBUG").then(pl.col("message").str.extract(_SUFFIX, 0))
    own = pl.concat_str(
        [pl.col("function").fill_null(""), pl.lit(" "), "path", pl.lit(":"), pl.col("number").fill_null("0")]
    )
    records = records.with_columns(suffix=suffix).with_columns(
        pl.col("message").str.strip_suffix(pl.col("suffix").fill_null("")), origin=pl.coalesce("suffix", own)
    )
    places = records["origin"].drop_nulls().unique()
    origins = pl.col("origin").replace_strict(
        places, [origin_of(place) for place in places], default=None, return_dtype=pl.String
    )
    return records.with_columns(origins).drop("suffix")


def origin_of(place: str) -> str:
    """Return "nova/compute/manager.py:123 function" for "function /usr/lib/…/nova/compute/manager.py:123"."""
    function, _, path = _BRACES.sub("", place).strip().rpartition(" ")
    return f"{_BEFORE_PACKAGE.sub('', path)} {function}".rstrip()


def _ids(records: pl.DataFrame) -> pl.DataFrame:
    """Take the context apart, once for every distinct one; ids that a format gave itself get their prefix."""
    own = records.select(pl.col(_REQUEST_IDS).is_not_null().any()).row(0)
    if any(own):
        bare = [pl.col(name).str.contains(rf"^{_UUID}$") for name in _REQUEST_IDS]
        records = records.with_columns(
            pl.when(is_bare).then(pl.lit("req-") + pl.col(name)).otherwise(name).alias(name)
            for is_bare, name in zip(bare, _REQUEST_IDS, strict=True)
        )
    contexts = records["context"].drop_nulls().unique()
    if contexts.is_empty():
        return records
    taken = pl.DataFrame([split_context(c) for c in contexts], schema=dict.fromkeys(_TAKEN, pl.String), orient="row")
    records = records.join(taken.with_columns(context=contexts), on="context", how="left", maintain_order="left")
    filled = [pl.coalesce(name, taken).alias(name) for name, taken in zip(_ID_COLUMNS, _TAKEN, strict=True)]
    return records.with_columns(filled).drop(_TAKEN)


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
