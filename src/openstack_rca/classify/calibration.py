"""Calibration: signals become a probability, by logistic regression on records the networks did not learn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_STEPS = 50
_RIDGE = 1e-2


@dataclass(frozen=True)
class Calibration:
    """Weights of the signals and an offset: the score is the logistic function of their sum."""

    weights: tuple[float, ...]
    offset: float

    @classmethod
    def of(cls, signals: Floats, labels: NDArray[np.bool_]) -> "Calibration":
        """Fit signals [records, signals] to labels by Newton's method with a small ridge; no weight falls below 0.

        With labels of one class only there is nothing to fit: the signals count as they are.
        """
        if labels.all() or not labels.any():
            return cls((1.0,) * signals.shape[1], 0.0)
        active = list(range(signals.shape[1]))
        while True:
            weights = _newton(np.column_stack([signals[:, active], np.ones(len(signals))]), labels)
            negative = [a for a, w in zip(active, weights[:-1], strict=True) if w < 0]
            if not negative:
                break
            active = [a for a in active if a not in negative]
        full = np.zeros(signals.shape[1])
        full[active] = weights[:-1]
        return cls(tuple(full.tolist()), float(weights[-1]))

    def apply(self, signals: Floats) -> NDArray[np.float32]:
        """Return the score of each record, 0 to 1."""
        return logistic(signals @ np.asarray(self.weights) + self.offset).astype(np.float32)


def logistic(values: Floats) -> Floats:
    """Return the logistic function without overflow."""
    result: Floats = 0.5 * (1 + np.tanh(values / 2))
    return result


def logit(probabilities: NDArray[np.float32]) -> Floats:
    """Return the log odds of probabilities, which are kept a millionth away from 0 and 1."""
    kept = np.clip(probabilities.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.log(kept / (1 - kept))


def _newton(design: Floats, labels: NDArray[np.bool_]) -> Floats:
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        probability = logistic(design @ weights)
        slope = design.T @ (labels - probability) - _RIDGE * weights
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + _RIDGE * np.eye(len(weights))
        step = np.linalg.solve(curvature, slope)
        weights += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    return weights
