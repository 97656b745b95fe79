"""What stands in a message: its make-up in characters, the words it uses, and the figures it states."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from openstack_rca.features.groups import Floats
from openstack_rca.knowledge import read

_CLASSES = {
    "digit": b"0123456789",
    "upper": b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "mark": b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
}


class Characters:
    """Messages as one row of bytes, to count kinds of characters in all of them at once."""

    def __init__(self, messages: pl.Series) -> None:
        self._content = np.frombuffer("".join(messages.fill_null("").to_list()).encode(), dtype=np.uint8)
        self._lengths = messages.str.len_bytes().fill_null(0).to_numpy().astype(np.int64)

    def share(self, kind: str) -> Floats:
        """Return the share (0 to 1) of bytes of one kind (digit, upper, mark) for each message."""
        member = np.zeros(256, dtype=np.uint8)
        member[list(_CLASSES[kind])] = 1
        filled = self._lengths > 0
        starts = np.cumsum(self._lengths) - self._lengths
        result = np.zeros(len(self._lengths))
        if filled.any():
            counts = np.add.reduceat(member[self._content], starts[filled], dtype=np.int32)
            result[filled] = counts / self._lengths[filled]
        return result


def topics(messages: pl.Series) -> pl.DataFrame:
    """Return, a topic of words.yaml, whether each message uses one of its words.

    One alternation over lower case is four times as fast as Polars' own search for any of several words.
    """
    text = messages.str.to_lowercase().fill_null("").alias("message").to_frame()
    return text.select(pl.col("message").str.contains(_any_of(words["any"])).alias(t) for t, words in _words().items())


def stated(messages: pl.Series, field: str) -> Floats:
    """Return the figure that each message states for a field, in the field's unit; NaN where it states none."""
    rule = _fields()[field]
    result = np.full(len(messages), np.nan)
    rows = messages.str.contains(_any_of(rule["where"])).fill_null(False).to_numpy().nonzero()[0]
    if len(rows):
        groups = messages.gather(rows).str.extract_groups(rule["pattern"]).struct.unnest()
        text = groups.select(pl.coalesce(pl.all())).to_series()
        figures = text.str.strip_chars_end(".").replace(" ", "1").cast(pl.Float64, strict=False)
        result[rows] = figures.fill_null(np.nan).to_numpy() * rule.get("scale", 1)
    return result


def _any_of(words: Sequence[str]) -> str:
    return "|".join(re.escape(word) for word in words)


@cache
def _words() -> Any:
    return read("features/words.yaml")


@cache
def _fields() -> Any:
    return read("features/fields.yaml")
