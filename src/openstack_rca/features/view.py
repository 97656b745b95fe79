"""A log table in order of time, with what many features ask for worked out once."""

from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from openstack_rca.features.groups import Floats, Groups, Ints
from openstack_rca.features.history import Baseline, by_time, keys
from openstack_rca.features.text import Characters, stated, topics

Flags = NDArray[np.bool_]
ERROR = 3
_LONG_AGO = -1e12
_SETTLE = 60.0
_MANY = 2**34
_OWN = ("request", "resource")


class View:
    """The rows of a log table in order of time; `original` is their place in the given table.

    All arrays have one value a row. Nothing that a row is told depends on a later row.
    """

    def __init__(self, table: pl.DataFrame, baseline: Baseline | None) -> None:
        placed = by_time(table.with_row_index("original"))
        self.original: Ints = placed["original"].to_numpy().astype(np.int64)
        self.baseline = baseline
        self.keys = keys(placed)
        self.rows = placed.with_columns(
            self.keys["previous"],
            pl.coalesce("global_request_id", "request_id").alias("request"),
            pl.coalesce("instance", pl.col("resources").list.first()).alias("resource"),
        )
        self.messages = placed["message"]
        self.timed: Flags = placed["time"].is_not_null().to_numpy()
        self.times: Floats = np.where(
            self.timed, placed["time"].dt.epoch("us").fill_null(0).to_numpy() / 1e6, _LONG_AGO
        )
        self.level: Floats = placed["level"].to_physical().fill_null(1).to_numpy().astype(np.float64)
        self.error: Flags = self.level >= ERROR
        self.warning: Flags = self.level == ERROR - 1
        self._codes: dict[str, Ints] = {}
        self._groups: dict[tuple[str, ...], Groups] = {}
        self._history: dict[tuple[str, ...], Floats] = {}
        self._stated: dict[str, Floats] = {}

    def codes(self, *names: str) -> Ints:
        """Return a number for each combination of columns; a row without request or resource is alone with itself."""
        result = np.zeros(len(self.rows), dtype=np.int64)
        for name in names:
            if name not in self._codes:
                self._codes[name] = self._column_codes(name)
            result = result * (self._codes[name].max(initial=0) + 1) + self._codes[name]
            if result.max(initial=0) > _MANY:
                result = np.unique(result, return_inverse=True)[1].astype(np.int64)
        return result

    def _column_codes(self, name: str) -> Ints:
        column = self.rows[name].cast(pl.String).cast(pl.Categorical).to_physical()
        missing = column.is_null().to_numpy()
        codes = np.where(missing, 0, column.fill_null(0).to_numpy().astype(np.int64) + 1)
        if name not in _OWN:
            return codes
        return np.where(missing, codes.max(initial=0) + 1 + np.arange(len(codes)), codes)

    def by(self, *names: str) -> Groups:
        """Return the rows grouped by columns, all in one group without any."""
        if names not in self._groups:
            self._groups[names] = Groups(self.codes(*names), self.times, self.timed)
        return self._groups[names]

    def history(self, *names: str) -> Floats:
        """Return how often the key of each row occurred before it: in the baseline, and in the table so far."""
        if names not in self._history:
            self._history[names] = self.by(*names).before() + self._in_baseline(*names)
        return self._history[names]

    def expected(self, seconds: float, *names: str) -> Floats:
        """Return how many rows of the same key the history lets expect in a stretch of so many seconds."""
        return self.history(*names) * seconds / (self._known_seconds + _SETTLE)

    def says(self, topic: str) -> Floats:
        """Return 1 where the message uses a word of the topic."""
        return self.number(self._topics[topic])

    def stated(self, field: str) -> Floats:
        """Return the figure stated for a field, NaN where there is none."""
        if field not in self._stated:
            self._stated[field] = stated(self.messages, field)
        return self._stated[field]

    def compared(self, values: Floats, *names: str) -> Floats:
        """Return the log ratio of a value to the mean of the earlier ones of its group, 0 where either is missing."""
        present = ~np.isnan(values)
        groups, known = self.by(*names), np.nan_to_num(values)
        count = groups.sum_before(present)
        usual = groups.sum_before(known) / np.maximum(count, 1)
        return np.where(present & (count > 0), np.log((known + 0.01) / (usual + 0.01)), 0)

    @cached_property
    def fresh(self) -> Flags:
        """Whether the template of a row never occurred before it."""
        never: Flags = self.history("template") == 0
        return never

    @cached_property
    def http_failure(self) -> Flags:
        """Whether a row states an HTTP status of 400 or more."""
        failed: Flags = np.nan_to_num(self.stated("http_status")) >= 400
        return failed

    @cached_property
    def http_seconds(self) -> Floats:
        """How long the HTTP request of a row took, NaN where it does not say."""
        exact, rough = self.stated("http_seconds"), self.stated("http_milliseconds")
        return np.where(np.isnan(exact), rough, exact)

    @cached_property
    def characters(self) -> Characters:
        """The make-up of the messages in characters."""
        return Characters(self.messages)

    @cached_property
    def detail(self) -> pl.Series:
        """The joined continuation lines, empty where there are none."""
        return self.rows["detail"].fill_null("")

    @cached_property
    def length(self) -> Floats:
        """Characters in each message."""
        return self.number(self.messages.fill_null("").str.len_chars())

    @cached_property
    def total(self) -> Floats:
        """How many rows came before each row, the baseline's included."""
        known = float(self.baseline.counts["service",]["count"].sum()) if self.baseline else 0.0
        return self.by().before() + known

    @cached_property
    def _topics(self) -> pl.DataFrame:
        return topics(self.messages)

    @cached_property
    def _known_seconds(self) -> Floats:
        elapsed = np.where(self.timed, self.times - (self.times[self.timed][0] if self.timed.any() else 0), 0)
        return elapsed + (self.baseline.seconds if self.baseline else 0)

    def _in_baseline(self, *names: str) -> Floats:
        return self.baseline.count(self.keys, names) if self.baseline else np.zeros(len(self.rows))

    @staticmethod
    def number(series: pl.Series) -> Floats:
        """Return a column as floats."""
        values: NDArray[Any] = series.to_numpy()
        return values.astype(np.float64)
