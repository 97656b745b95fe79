"""The vocabulary: template ids to small numbers, the same in training and serving."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

PAD, UNKNOWN_TEMPLATE, START, END = 0, 1, 2, 3
_SPECIAL = 4


@dataclass(frozen=True)
class Vocabulary:
    """Known template ids; the first has number 4, after PAD, UNKNOWN_TEMPLATE, START and END."""

    ids: tuple[str, ...]

    @classmethod
    def of(cls, templates: NDArray[np.str_], size: int = 600, at_least: int = 2) -> "Vocabulary":
        """Learn the most frequent templates, at most `size` of those seen `at_least` times."""
        counts = Counter(templates.tolist())
        frequent = sorted((i for i, n in counts.items() if n >= at_least and i), key=lambda i: (-counts[i], i))
        return cls(tuple(frequent[:size]))

    def __len__(self) -> int:
        return len(self.ids) + _SPECIAL

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {template: number for number, template in enumerate(self.ids, _SPECIAL)}

    def encode(self, templates: NDArray[np.str_]) -> NDArray[np.int32]:
        """Return the number of each template, UNKNOWN_TEMPLATE for those never learned."""
        distinct, inverse = np.unique(templates, return_inverse=True)
        known = self._numbers
        numbers = np.array([known.get(t, UNKNOWN_TEMPLATE) for t in distinct.tolist()], dtype=np.int32)
        return numbers[inverse] if len(distinct) else numbers
