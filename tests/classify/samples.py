"""Small logs in numbers, on which the classifiers are tried."""

import numpy as np

from openstack_rca.classify import IMPORTANT, ORDINARY, Samples

NAMES = ("level", "noise", "gap")
HEALTHY = ("boot", "claim", "plug", "spawn", "done")


def lab(seed: int, windows: int = 60, broken: int = 3) -> Samples:
    """Return windows of one request each; in every `broken`-th the spawn fails, and that record is important."""
    rng = np.random.default_rng(seed)
    templates, labels, numbers, values = [], [], [], []
    for window in range(windows):
        fails = broken > 0 and window % broken == 0
        story = (*HEALTHY[:3], "failed") if fails else HEALTHY
        for template in story:
            wrong = template == "failed"
            templates.append(template)
            labels.append(IMPORTANT if wrong else ORDINARY)
            numbers.append(window)
            values.append([3.0 if wrong else 1.0, rng.normal(), rng.exponential() * (9 if wrong else 1)])
    rows = len(templates)
    case, healthy = np.int8(labels), broken == 0
    return Samples.of(
        NAMES,
        np.array(values, np.float32),
        templates,
        np.array(numbers),
        np.arange(rows),
        case,
        case=seed,
        healthy=healthy,
    )
