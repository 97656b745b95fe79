"""Tables of log records, or of what a view made of them -> JSON and CSV, harmless to whatever opens them."""

from collections.abc import Iterator

import polars as pl
import polars.selectors as cs

from openstack_rca.reporting.plain import safe_json

BLOCK = 10_000
"""Rows written at once: few enough that `| head` ends soon, many enough to be fast."""

_ISO = "%FT%T%.6fZ"
_FORMULA = r"^([=+\-@\t\r\n＝＋－＠])"  # what a spreadsheet takes for the start of a formula (OWASP, CSV injection)
_INVISIBLE = r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"


def blocks(table: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows of a table some at a time."""
    for start in range(0, table.height, BLOCK):
        yield table.slice(start, BLOCK)


def to_json(table: pl.DataFrame) -> Iterator[str]:
    """Yield a JSON array with one row a line, in parts; times are UTC."""
    yield "["
    for number, block in enumerate(blocks(table)):
        lines = block.with_columns(cs.datetime().dt.strftime(_ISO)).write_ndjson().rstrip("\n")
        yield ("," if number else "") + "\n" + safe_json(lines).replace("\n", ",\n")
    yield "\n]\n" if table.height else "]\n"


def to_csv(table: pl.DataFrame) -> Iterator[str]:
    """Yield CSV in parts; a cell that a spreadsheet would take for a formula starts with an apostrophe."""
    for number, block in enumerate(blocks(table) if table.height else [table]):
        cells = block.with_columns(
            cs.datetime().dt.strftime(_ISO),
            cs.by_dtype(pl.List(pl.String)).list.join(" "),
            cs.categorical().cast(pl.String),
        ).with_columns(cs.string().str.replace_all(_INVISIBLE, "").str.replace(_FORMULA, "'$1"))
        yield cells.write_csv(include_header=not number)
