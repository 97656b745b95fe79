"""Scaling: every feature to about the same size, with figures that travel with the model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LIMIT = 5.0
_CONSTANT = 1e-6


def _squeeze(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take the logarithm of the size and keep the sign, so that counts and seconds lose their long tails."""
    return np.copysign(np.log1p(np.abs(values)), values)


@dataclass(frozen=True)
class Scaling:
    """Mean of each squeezed feature over the training records, and the factor that gives it a spread of 1.

    The factor is 0 for a feature that training never saw vary, or was not given: what was not learned is not used.
    """

    center: tuple[float, ...]
    factor: tuple[float, ...]

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> "Scaling":
        """Measure a matrix [records, features] in which NaN means "not given"."""
        squeezed = _squeeze(values).astype(np.float64)
        given = ~np.isnan(squeezed)
        count = np.maximum(given.sum(axis=0), 1)
        center = np.where(given, squeezed, 0).sum(axis=0) / count
        spread = np.sqrt((np.where(given, squeezed - center, 0) ** 2).sum(axis=0) / count)
        factor = np.divide(1, spread, out=np.zeros_like(spread), where=spread > _CONSTANT)
        return cls(tuple(center.tolist()), tuple(factor.tolist()))

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scaled matrix, within -5 and 5; what is not given (NaN) becomes 0, the mean."""
        center, factor = np.asarray(self.center, np.float32), np.asarray(self.factor, np.float32)
        scaled: NDArray[np.float32] = np.clip((_squeeze(values) - center) * factor, -_LIMIT, _LIMIT)
        missing = np.isnan(scaled)
        if missing.any():
            scaled[missing] = 0
        return scaled
