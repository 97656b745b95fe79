"""The classifier for independent records: a small network over the features of one record."""

from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from openstack_rca.classify.artifact import Artifact
from openstack_rca.classify.calibration import Calibration, logit
from openstack_rca.classify.exporting import row_onnx
from openstack_rca.classify.learning import Learning, hide_some
from openstack_rca.classify.networks import keras_bytes, row_network
from openstack_rca.classify.samples import IMPORTANT, UNKNOWN, Samples
from openstack_rca.classify.scaling import Scaling
from openstack_rca.classify.steps import Batch
from openstack_rca.classify.vocabulary import Vocabulary
from openstack_rca.classify.weighting import balanced, best_threshold, need_both_classes


class MlpClassifier:
    """Scores each record by its own features."""

    kind = "mlp"

    def __init__(self, artifact: Artifact | None = None, units: int = 48) -> None:
        self.artifact = artifact
        self._units = units

    def fit(self, samples: Samples, validation: Samples, learning: Learning) -> Self:
        """Train on labelled samples; `validation` stops the training and calibrates the scores.

        Raises InputError when the training labels are all of one class.
        """
        need_both_classes(samples)
        scaling = Scaling.of(samples.values)
        network = row_network(len(samples.names), self._units, learning.seed)
        varied = replace(learning, vary=lambda inputs, rng: (hide_some(inputs[0], rng),))
        varied.run("independent records", network, _batch(samples, scaling), _batch(validation, scaling))
        raw = Artifact(
            kind=self.kind,
            names=samples.names,
            scaling=scaling,
            vocabulary=Vocabulary(()),
            length=1,
            labelled=True,
            ordered=False,
            blind=samples.blind,
            calibrations={},
            thresholds={},
            keras=keras_bytes(network),
            onnx=row_onnx(network),
        )
        judged = validation.take(validation.labels != UNKNOWN)
        signals, important = _signals(raw, judged), judged.labels == IMPORTANT
        calibration = Calibration.of(signals, important)
        threshold = best_threshold(calibration.apply(signals), important, judged.cases)
        self.artifact = replace(raw, calibrations={"record": calibration}, thresholds={"record": threshold})
        return self

    def score(self, samples: Samples) -> NDArray[np.float32]:
        """Return the score of each record, 0 to 1. Raises InputError for other features than it was trained with."""
        assert self.artifact
        return self.artifact.calibrations["record"].apply(_signals(self.artifact, samples))

    def notes(self, samples: Samples) -> tuple[str, ...]:
        """Return nothing: a model of single records has no vocabulary that could be too small."""
        return ()


def _batch(samples: Samples, scaling: Scaling) -> Batch:
    counted = samples.take(samples.labels != UNKNOWN)
    important = (counted.labels == IMPORTANT).astype(np.float32)
    return Batch((scaling.apply(counted.values),), important[:, None], balanced(counted.labels, counted.cases))


def _signals(artifact: Artifact, samples: Samples) -> NDArray[np.float64]:
    (importance,) = artifact.run(features=artifact.scaled(samples))
    return logit(importance)
