"""What is known before the first row of a table: how often each thing occurred in a healthy baseline."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from openstack_rca.features.groups import Floats

COUNTED: tuple[tuple[str, ...], ...] = (
    ("template",),
    ("service",),
    ("service", "template"),
    ("logger",),
    ("logger", "level"),
    ("previous",),
    ("previous", "template"),
)
"""Combinations of columns whose occurrences are counted; `previous` is the template before in the same process."""


def keys(table: pl.DataFrame) -> pl.DataFrame:
    """Return the counted columns of a log table in order of time, as strings without nulls."""
    named = table.select(pl.col("file", "pid", "service", "logger", "level", "template").cast(pl.String).fill_null(""))
    previous = pl.col("template").shift(1).over("file", "pid").fill_null("")
    return named.with_columns(previous.alias("previous")).drop("file", "pid")


def by_time(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table in order of time, then of reading; records without time come first."""
    return table.sort("time", "record", nulls_last=False)


@dataclass(frozen=True)
class Baseline:
    """A healthy stretch of the same cloud in numbers: occurrences by key, and its length in seconds."""

    counts: dict[tuple[str, ...], pl.DataFrame]
    seconds: float

    @classmethod
    def of(cls, table: pl.DataFrame) -> "Baseline":
        """Count a healthy log table (any number of rows, templates assigned by the same miner)."""
        rows = keys(by_time(table))
        times = table["time"].drop_nulls()
        seconds = float(np.ptp(times.dt.epoch("us").to_numpy())) / 1e6 if len(times) else 0.0
        return cls({names: rows.group_by(names).len("count") for names in COUNTED}, seconds)

    def count(self, rows: pl.DataFrame, names: tuple[str, ...]) -> Floats:
        """Return how often the key of each row (a frame made by `keys`) occurred in the baseline."""
        found = rows.select(names).join(self.counts[names], on=names, how="left", maintain_order="left")
        return found["count"].fill_null(0).to_numpy().astype(np.float64)
