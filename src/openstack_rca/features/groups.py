"""Running measures over groups of rows in order of time: what a row knows of those before it in its group."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NEVER = 3600.0
"""Seconds that stand for "never" and for everything longer than an hour."""


def stable_order(codes: Ints) -> Ints:
    """Return the order that sorts codes (0 or more) and keeps equal ones as they are.

    Sorting distinct numbers is several times faster than a stable sort, because numpy then uses the vector unit.
    """
    size = max(len(codes), 1)
    if codes.max(initial=0) > 2**62 // size:
        codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    return np.sort(codes * size + np.arange(len(codes))) % size


class Groups:
    """Rows partitioned by `codes`; all arrays have one value a row, in order of time, and so have all results.

    `times` is in seconds and rising, `timed` is False where a row has no time. Every measure is exclusive: it looks at
    earlier rows only, unless it says "so far", which includes the row itself.
    """

    def __init__(self, codes: Ints, times: Floats, timed: NDArray[np.bool_]) -> None:
        self._times, self._timed = times, timed
        self._order = stable_order(codes)
        grouped = codes[self._order]
        new = np.ones(len(codes), dtype=bool)
        new[1:] = grouped[1:] != grouped[:-1]
        self._at = np.arange(len(codes))
        self._group = np.cumsum(new) - 1
        self._start = np.maximum.accumulate(np.where(new, self._at, 0))
        self._cutoffs: dict[float, Ints] = {}

    def _back(self, values: NDArray[Any]) -> NDArray[Any]:
        result = np.empty_like(values)
        result[self._order] = values
        return result

    def before(self) -> Floats:
        """Return how many rows of its group came before each row."""
        return self._back((self._at - self._start).astype(np.float64))

    def previous(self, values: NDArray[Any], default: Any) -> NDArray[Any]:
        """Return the value of the row before in the group, `default` for the first."""
        shifted = np.roll(values[self._order], 1)
        shifted[self._at == self._start] = default
        return self._back(shifted)

    def first(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the value of the first row of the group."""
        return self._back(values[self._order][self._start])

    def sum_before(self, values: NDArray[Any]) -> Floats:
        """Return the sum over the earlier rows of the group."""
        running = self._running(values)
        return self._back(running[self._at] - running[self._start])

    def mean_before(self, values: NDArray[Any], default: float) -> Floats:
        """Return the mean over the earlier rows of the group, `default` when there are none."""
        count = self.before()
        return np.where(count > 0, self.sum_before(values) / np.maximum(count, 1), default)

    def max_before(self, values: NDArray[Any]) -> Floats:
        """Return the highest of the earlier rows of the group; values must not be negative, 0 when there are none."""
        sized = values[self._order].astype(np.float64)
        step = float(sized.max(initial=0.0)) + 1
        highest = np.maximum.accumulate(sized + self._group * step) - self._group * step
        shifted = np.roll(highest, 1)
        shifted[self._at == self._start] = 0
        return self._back(shifted)

    def distinct(self, others: Ints) -> Floats:
        """Return how many different values of `others` the group has had so far."""
        return self.sum_before(self.first_with(others)) + self.first_with(others)

    def first_with(self, others: Ints) -> Floats:
        """Return 1 where a value of `others` occurs for the first time in the group."""
        pairs = self._back(self._group) * (others.max(initial=0) + 1) + others
        order = stable_order(pairs)
        fresh = np.ones(len(others))
        fresh[1:] = pairs[order][1:] != pairs[order][:-1]
        result = np.empty(len(others))
        result[order] = fresh
        return result

    def gap(self) -> Floats:
        """Return the seconds since the row before in the group, NEVER for the first and for rows without time."""
        return self._seconds(self._times - self.previous(self._times, -np.inf))

    def age(self) -> Floats:
        """Return the seconds since the first row of the group, 0 for rows without time."""
        return np.where(self._timed, np.clip(self._times - self.first(self._times), 0, NEVER), 0)

    def since(self, flags: NDArray[np.bool_]) -> Floats:
        """Return the seconds since the last earlier row of the group with its flag set, NEVER when there is none."""
        last = np.maximum.accumulate(np.where(flags[self._order], self._at, -1))
        last = np.roll(last, 1)
        found = (self._at > self._start) & (last >= self._start)
        then = self._times[self._order][np.maximum(last, 0)]
        return self._seconds(self._times - self._back(np.where(found, then, -np.inf)))

    def count_within(self, seconds: float) -> Floats:
        """Return how many earlier rows of the group lie at most `seconds` back, 0 for rows without time."""
        return self._back((self._at - self._cutoff(seconds)).astype(np.float64))

    def sum_within(self, values: NDArray[Any], seconds: float) -> Floats:
        """Return the sum over the earlier rows of the group at most `seconds` back, 0 for rows without time."""
        running = self._running(values)
        return self._back(running[self._at] - running[self._cutoff(seconds)])

    def _running(self, values: NDArray[Any]) -> Floats:
        return np.concatenate(([0.0], np.cumsum(values[self._order], dtype=np.float64)))

    def _cutoff(self, seconds: float) -> Ints:
        """Return, a row, the first position of its group that lies at most `seconds` back."""
        if seconds not in self._cutoffs:
            oldest = np.searchsorted(self._times, self._times - seconds, side="left")
            size = len(self._at) + 1
            place = np.searchsorted(self._group * size + self._order, self._group * size + oldest[self._order])
            self._cutoffs[seconds] = np.where(self._timed[self._order], np.minimum(place, self._at), self._at)
        return self._cutoffs[seconds]

    def _seconds(self, gaps: Floats) -> Floats:
        return np.where(self._timed, np.clip(gaps, 0, NEVER), NEVER)
