"""What every learned classifier can do; one set of shared checks runs on each implementation."""

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from openstack_rca.classify.artifact import Artifact
from openstack_rca.classify.learning import Learning
from openstack_rca.classify.samples import Samples


class Classifier(Protocol):
    """Learns which records matter, and scores them."""

    kind: str
    artifact: Artifact | None

    def fit(self, samples: Samples, validation: Samples, learning: Learning) -> Self:
        """Train; `validation` stops the training and calibrates. Raises InputError for labels that teach nothing."""

    def score(self, samples: Samples) -> NDArray[np.float32]:
        """Return the score of each record, 0 to 1: the same for equal input, wherever it is computed."""

    def notes(self, samples: Samples) -> tuple[str, ...]:
        """Return what the reader of the scores of some records has to know, in sentences."""
