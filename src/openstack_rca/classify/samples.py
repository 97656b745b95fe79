"""What the models learn from and score: the feature matrix with what places each record, as plain arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

IMPORTANT, ORDINARY, UNKNOWN = 1, 0, -1
"""Labels of a record; UNKNOWN ones teach nothing and are not counted in scores."""


@dataclass(frozen=True)
class Samples:
    """Records as arrays with one entry each.

    `values` is float32 [records, features] with columns `names`, NaN where a feature is withheld; `templates` are
    template ids; `windows` numbers the window of a record (-1: alone), `ranks` its place in time; `labels` is
    IMPORTANT, ORDINARY or UNKNOWN, `cases` the number of its case, `healthy` whether it was written in health.
    `blind` forbids to learn the labels from the templates, because they are made of them.
    """

    names: tuple[str, ...]
    values: NDArray[np.float32]
    templates: NDArray[np.str_]
    windows: NDArray[np.int64]
    ranks: NDArray[np.int64]
    labels: NDArray[np.int8]
    cases: NDArray[np.int32]
    healthy: NDArray[np.bool_]
    blind: bool = False

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        values: NDArray[np.float32],
        templates: Sequence[str],
        windows: NDArray[np.int64],
        ranks: NDArray[np.int64],
        labels: NDArray[np.int8] | None = None,
        case: int = 0,
        healthy: bool = False,
        blind: bool = False,
    ) -> "Samples":
        """Return the samples of one log table; without labels every record is UNKNOWN."""
        rows = len(values)
        return cls(
            tuple(names),
            values,
            np.asarray(templates, dtype=np.str_),
            windows,
            ranks,
            np.full(rows, UNKNOWN, dtype=np.int8) if labels is None else labels,
            np.full(rows, case, dtype=np.int32),
            np.full(rows, healthy),
            blind,
        )

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Samples":
        """Return the samples of some rows, by mask or by number."""
        arrays = ("values", "templates", "windows", "ranks", "labels", "cases", "healthy")
        return replace(self, **{name: getattr(self, name)[rows] for name in arrays})

    def thinned(self, most: int, seed: int) -> "Samples":
        """Return all windows with an important record, and at most `most` records of the others, chosen by chance."""
        if len(self) <= most:
            return self
        windows = own_windows(self.windows)
        _, inverse, sizes = np.unique(windows, return_inverse=True, return_counts=True)
        important = np.bincount(inverse, self.labels == IMPORTANT) > 0
        order = np.random.default_rng(seed).permutation(len(sizes))
        kept = important.copy()
        kept[order] |= np.cumsum(np.where(important[order], 0, sizes[order])) <= most
        return self.take(kept[inverse])

    def withholding(self, features: Sequence[str]) -> "Samples":
        """Return the samples with these features set to NaN: "not given"."""
        columns = [self.names.index(name) for name in features]
        values = self.values.copy()
        values[:, columns] = np.nan
        return replace(self, values=values)


def own_windows(windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return window numbers in which every record that stands alone (-1) has one of its own."""
    alone = windows < 0
    return np.where(alone, windows.max(initial=-1) + np.cumsum(alone), windows)


def join(parts: Sequence[Samples]) -> Samples:
    """Return several samples as one; windows and ranks stay apart."""
    windows, ranks, next_window, next_rank = [], [], 0, 0
    for part in parts:
        windows.append(np.where(part.windows >= 0, part.windows + next_window, -1))
        ranks.append(part.ranks + next_rank)
        next_window += int(part.windows.max(initial=-1)) + 1
        next_rank += int(part.ranks.max(initial=-1)) + 1
    return Samples(
        parts[0].names,
        np.concatenate([p.values for p in parts]),
        np.concatenate([p.templates for p in parts]),
        np.concatenate(windows),
        np.concatenate(ranks),
        np.concatenate([p.labels for p in parts]),
        np.concatenate([p.cases for p in parts]),
        np.concatenate([p.healthy for p in parts]),
        any(p.blind for p in parts),
    )
