"""Windows: which records belong together as a sequence, by request, resource or process."""

from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from openstack_rca.features.history import by_time

By = Literal["auto", "request", "resource", "process"]

_KEYS = {
    "request": pl.coalesce("global_request_id", "request_id"),
    "resource": pl.coalesce("instance", pl.col("resources").list.first()),
    "process": pl.format("{}:{}", "file", "pid"),
}


def window_numbers(table: pl.DataFrame, by: By = "auto") -> NDArray[np.int64]:
    """Return the number of the window that each record of a log table belongs to, -1 where it stands alone.

    "auto" takes the request where a record names one, else the resource, else the process. Windows are numbered from 0
    in order of their first record; the records of a window follow each other in order of time (`time_ranks`).
    """
    key = pl.coalesce(_KEYS.values()) if by == "auto" else _KEYS[by]
    codes = table.select(key.alias("key").rank("dense"))["key"].fill_null(0).to_numpy().astype(np.int64)
    result = np.full(len(codes), -1, dtype=np.int64)
    named = codes > 0
    _, first, inverse = np.unique(codes[named], return_index=True, return_inverse=True)
    result[named] = np.argsort(np.argsort(first))[inverse]
    return result


def time_ranks(table: pl.DataFrame) -> NDArray[np.int64]:
    """Return the place of each record in order of time, as the features see it: a permutation of 0 … records - 1."""
    order = by_time(table.with_row_index("original"))["original"].to_numpy()
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return ranks
