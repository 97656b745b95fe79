"""What a feature is, and the small arithmetic that several share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openstack_rca.features.view import View

Array = NDArray[Any]


@dataclass(frozen=True)
class Feature:
    """One engineered feature: `sources` are the columns of the log table that it is made of.

    `compute` takes the rows in order of time and returns one number a row; it never looks at a later row.
    """

    name: str
    group: str
    type: str
    unit: str
    meaning: str
    sources: tuple[str, ...]
    compute: Callable[[View], Array]


def group(name: str, *rows: tuple[str, str, str, str, str, Callable[[View], Array]]) -> tuple[Feature, ...]:
    """Declare the features of a group: name, type, unit, meaning, source columns and computation of each."""
    return tuple(Feature(n, name, t, u, m, tuple(s.split()), f) for n, t, u, m, s, f in rows)


def share(part: Array, whole: Array) -> Array:
    """Return part of whole, 0 where there is no whole."""
    result: Array = part / np.maximum(whole, 1)
    return result


def surprise(found: Array, expected: Array) -> Array:
    """Return how many standard deviations a count lies above a Poisson expectation."""
    result: Array = (found - expected) / np.sqrt(expected + 1)
    return result
