"""Which model: the LSTM for sequences, the MLP for independent records; the operator's own before the shipped one."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openstack_rca.classify.artifact import Artifact
from openstack_rca.classify.contract import Classifier
from openstack_rca.classify.lstm import LstmClassifier
from openstack_rca.classify.mlp import MlpClassifier
from openstack_rca.classify.samples import own_windows
from openstack_rca.classify.store import available, load, shipped

_LONG = 3


def shape(windows: NDArray[np.int64]) -> str:
    """Return the kind of model for some records: "lstm" when most lie in windows of three or more, else "mlp"."""
    if not len(windows):
        return "mlp"
    _, inverse, sizes = np.unique(own_windows(windows), return_inverse=True, return_counts=True)
    return "lstm" if float((sizes[inverse] >= _LONG).mean()) > 0.5 else "mlp"


def restore(artifact: Artifact) -> Classifier:
    """Return the classifier that a model belongs to."""
    return LstmClassifier(artifact) if artifact.kind == "lstm" else MlpClassifier(artifact)


def find(folder: Path, kind: str) -> Classifier:
    """Return the classifier of a kind from the operator's models folder, from what ships when there is none.

    Raises InputError when the operator's model is there but cannot be used.
    """
    return restore(load(folder if available(folder, kind) else shipped(), kind))
