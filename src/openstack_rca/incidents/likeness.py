"""How much alike two incidents look in the logs."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from openstack_rca.incidents.incident import Fingerprint


class Likeness:
    """Compares fingerprints; what many known incidents have in common says little, so what is rare counts more."""

    def __init__(self, known: Iterable[Fingerprint]) -> None:
        prints = [_marks(f) for f in known]
        self._size = len(prints)
        self._holders = Counter(mark for marks in prints for mark in marks)

    def of(self, one: Fingerprint, other: Fingerprint) -> float:
        """Return how alike two fingerprints are, 0 to 1: the root of their cosine over templates, services and code.

        The root makes the usual threshold of .7 mean that half is shared (docs/decisions/0009).
        """
        a, b = self._weights(one), self._weights(other)
        length = math.sqrt(sum(w * w for w in a.values()) * sum(w * w for w in b.values()))
        return math.sqrt(sum(w * b[mark] for mark, w in a.items() if mark in b) / length) if length else 0.0

    def _weights(self, fingerprint: Fingerprint) -> Mapping[tuple[str, str], float]:
        return {mark: math.log((self._size + 2) / (self._holders[mark] + 0.5)) for mark in _marks(fingerprint)}


def shared(one: Fingerprint, other: Fingerprint) -> tuple[str, ...]:
    """Return the templates that both fingerprints hold, in the order of the first."""
    return tuple(text for text in one.templates if text in set(other.templates))


def _marks(fingerprint: Fingerprint) -> frozenset[tuple[str, str]]:
    return frozenset((kind, value) for kind, values in vars(fingerprint).items() for value in values)
