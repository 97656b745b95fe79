"""A trained model as data: its two files and everything that it needs to score a record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openstack_rca.classify.calibration import Calibration
from openstack_rca.classify.samples import Samples
from openstack_rca.classify.scaling import Scaling
from openstack_rca.classify.vocabulary import Vocabulary
from openstack_rca.errors import InputError, UnavailableError

_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Artifact:
    """What training leaves behind and serving loads.

    `labelled` says whether importance was learned, `ordered` whether what normally follows what; `blind` is True when
    importance was learned without seeing templates, because the labels are made of them. `thresholds` holds the score
    from which a "record" or a "window" counts as important; `facts` tells data, seed, source of the labels, scores.
    """

    kind: str
    names: tuple[str, ...]
    scaling: Scaling
    vocabulary: Vocabulary
    length: int
    labelled: bool
    ordered: bool
    blind: bool
    calibrations: Mapping[str, Calibration]
    thresholds: Mapping[str, float]
    keras: bytes = field(repr=False)
    onnx: bytes = field(repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def _session(self) -> Any:
        return open_session(self.onnx)

    def scaled(self, samples: Samples) -> NDArray[np.float32]:
        """Return the scaled features. Raises InputError when they are not those that the model was trained with."""
        if samples.names != self.names:
            raise InputError("The model was trained with other features than this program computes: train it again.")
        return self.scaling.apply(samples.values)

    def run(self, **inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        """Return the outputs of the exported network for inputs with equal first dimensions, in portions."""
        rows = len(next(iter(inputs.values())))
        portions = [
            self._session.run(None, {name: values[at : at + _ROWS_AT_ONCE] for name, values in inputs.items()})
            for at in range(0, max(rows, 1), _ROWS_AT_ONCE)
        ]
        return [np.concatenate(outputs) for outputs in zip(*portions, strict=True)]


def open_session(onnx: bytes) -> Any:
    """Return an ONNX Runtime session that leaves the processor to others while it waits.

    Raises UnavailableError without onnxruntime, InputError when the content is not a model.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UnavailableError("Scoring with the learned model needs onnxruntime: pip install onnxruntime.") from error
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own for each kind of damage
        raise InputError("The exported model cannot be opened: it is damaged.") from error
