"""The features on our own lab's logs: every one of them tells something, and something of its own."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from openstack_rca.features import NAMES, Baseline, compute
from openstack_rca.parsing import LogParser
from openstack_rca.sources import PathSource
from openstack_rca.templates import DrainMiner

INCIDENTS = Path(__file__).parents[2] / "examples" / "incidents"
CASES = ("mariadb-stopped", "memcached-down", "quota-instances", "cinder-schema-old", "placement-password-scheduler")


@pytest.fixture(scope="module")
def lab() -> NDArray[np.float64]:
    tables = [
        LogParser().parse(PathSource([INCIDENTS / name / "logs"]).files()).table for name in ("baseline-1", *CASES)
    ]
    mined = DrainMiner().assign(pl.concat(tables))
    cuts = np.cumsum([0, *(len(t) for t in tables)])
    healthy, *cases = [mined[int(start) : int(end)] for start, end in pairwise(cuts)]
    baseline = Baseline.of(healthy)
    return np.concatenate([compute(case, baseline) for case in cases]).astype(np.float64)


def test_no_feature_is_constant(lab: NDArray[np.float64]) -> None:
    assert [name for name, spread in zip(NAMES, lab.std(axis=0), strict=True) if spread < 1e-9] == []


def test_no_feature_is_a_copy_of_another(lab: NDArray[np.float64]) -> None:
    likeness = np.abs(np.triu(np.corrcoef(lab.T), 1))
    assert [(NAMES[a], NAMES[b]) for a, b in np.argwhere(likeness > 0.999)] == []


def test_every_value_is_a_finite_number(lab: NDArray[np.float64]) -> None:
    assert np.isfinite(lab).all()
