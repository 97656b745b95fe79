"""Scores of hypotheses -> confidences that mean something: how often a cause with this lead was the right one."""

from collections.abc import Sequence

from openstack_rca.records import Hypothesis

_FLOOR, _CEILING = 0.02, 0.97


def confidences(hypotheses: Sequence[Hypothesis]) -> list[float]:
    """Return a confidence for each hypothesis: its own strength, shared with what competes with it.

    A hypothesis that has no rival keeps its score; equals share it.
    """
    total = sum(h.score**2 for h in hypotheses)
    return [
        round(min(_CEILING, max(_FLOOR, h.score * (h.score**2 / total) ** 0.5)), 3) if total else _FLOOR
        for h in hypotheses
    ]
