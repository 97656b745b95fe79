"""How much each record counts in training, and where the line between important and ordinary is drawn."""

import numpy as np
from numpy.typing import NDArray

from openstack_rca.classify.samples import IMPORTANT, ORDINARY, UNKNOWN, Samples
from openstack_rca.errors import InputError


def balanced(labels: NDArray[np.int8], cases: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return a weight for each label so that in every case important and ordinary ones count the same.

    Without this a case with a thousand cited lines would drown one with two. UNKNOWN ones weigh 0; the mean of the
    others is 1.
    """
    weights = np.zeros(len(labels), dtype=np.float32)
    for case in np.unique(cases):
        for label in (IMPORTANT, ORDINARY):
            rows = (cases == case) & (labels == label)
            weights[rows] = 1 / max(int(rows.sum()), 1)
    taking_part = labels != UNKNOWN
    return weights / weights[taking_part].mean() if taking_part.any() else weights


def need_both_classes(samples: Samples) -> None:
    """Raise InputError when labelled samples know only important or only ordinary records."""
    if not (samples.labels == IMPORTANT).any():
        raise InputError("No record of the training logs is labelled important: there is nothing to learn to find.")
    if not (samples.labels == ORDINARY).any():
        raise InputError("Every record of the training logs is labelled important: there is nothing to tell it from.")


def best_threshold(scores: NDArray[np.float32], labels: NDArray[np.bool_], cases: NDArray[np.int32]) -> float:
    """Return the score from which on calling a record important gives the highest F1; 0.5 where there is no choice.

    F1 is the mean of the cases that have important records: else one case with a thousand of them sets the threshold.
    """
    if labels.all() or not labels.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    f1 = np.zeros(len(scores))
    for case in np.unique(cases[labels]):
        member = cases[order] == case
        important = member & labels[order]
        f1 += 2 * np.cumsum(important) / (np.cumsum(member) + important.sum())
    best = int(np.where(last, f1, 0).argmax())
    below = scores[order][best + 1] if best + 1 < len(scores) else 0.0
    return float((scores[order][best] + below) / 2)
