"""The feature matrix: a log table in, 91 numbers a record out."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from openstack_rca.features.catalogue import CATALOGUE, Feature
from openstack_rca.features.history import Baseline
from openstack_rca.features.view import View

NAMES: tuple[str, ...] = tuple(feature.name for feature in CATALOGUE)
"""Names of the matrix's columns."""


def compute(
    table: pl.DataFrame, baseline: Baseline | None = None, catalogue: Sequence[Feature] = CATALOGUE
) -> NDArray[np.float32]:
    """Return the features of a log table (`LOG_SCHEMA`, templates assigned): float32 [records, features], in its order.

    `baseline` gives what was known before; without one a record is only compared with those before it in the table.
    """
    view = View(table, baseline)
    columns = np.empty((len(catalogue), len(table)), dtype=np.float32)
    for column, feature in zip(columns, catalogue, strict=True):
        column[:] = feature.compute(view)
    matrix = np.empty((len(table), len(catalogue)), dtype=np.float32)
    matrix[view.original] = columns.T
    return matrix
