"""One relevance out of several signals: reciprocal rank fusion, and a weighted sum."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]
Signals = Mapping[str, Signal]
"""Signals by name (lstm, vector, tfidf), each 0 to 1 and one value per line; leave out those that took no part."""

WEIGHTS = {"lstm": 1.0, "vector": 0.2, "tfidf": 0.2}
"""Tuned on two thirds of the lab's cases and proven on the rest: `./scripts/bench retrieval`, docs/decisions/0009."""


def fuse(signals: Signals) -> Signal:
    """Return the relevance of each line, 0 to 1, from the signals that took part: fast mode has no vector."""
    return weighted_sum(signals, WEIGHTS)


def weighted_sum(signals: Signals, weights: Mapping[str, float]) -> Signal:
    """Return the mean of the signals by weight, 0 to 1; a signal that is missing takes its weight with it."""
    total = sum(weights[name] for name in signals)
    parts = [signal * (weights[name] / total) for name, signal in signals.items()]
    result: Signal = np.sum(parts, axis=0)
    return result


def reciprocal_rank(signals: Signals, weights: Mapping[str, float], k: float = 60.0) -> Signal:
    """Return the weighted sum of 1/(k + rank), scaled so that first everywhere is 1 (Cormack et al. 2009, k = 60).

    Equal values share their best rank.
    """
    total = sum(weights[name] for name in signals)
    parts = [(weights[name] / total) * (k + 1.0) / (k + _rank(signal)) for name, signal in signals.items()]
    result: Signal = np.sum(parts, axis=0)
    return result


def _rank(signal: Signal) -> Signal:
    """Return the rank of each value from 1, the largest first; equal values share the best of their ranks."""
    rising = np.sort(-signal)
    return np.searchsorted(rising, -signal, side="left").astype(np.float64) + 1.0
