"""The training loop: shuffled batches, early stopping on a validation split, and a checkpoint after every epoch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openstack_rca.classify.checkpoint import Checkpoint, Course
from openstack_rca.classify.steps import Batch, Steps

Array = NDArray[Any]
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and how far it goes."""
Losses = Callable[[str, int, float, float | None], None]
"""Called after an epoch with the network's name, the epoch, its training loss and its validation loss (None: no loss,
because nothing in the validation counts)."""
_PATIENCE = 5
_HIDDEN = 0.2


def hide_some(values: Array, rng: np.random.Generator) -> Array:
    """Set a fifth of the features of each row to 0, their mean, so that a network does not lean on a few of them."""
    shape = (len(values), *(1,) * (values.ndim - 2), values.shape[-1])
    return (values * (rng.random(shape, dtype=np.float32) > _HIDDEN)).astype(np.float32)


def silent(stage: str, done: int, total: int) -> None:
    """Report no progress."""


def unheard(name: str, epoch: int, loss: float, validation: float | None) -> None:
    """Report no losses."""


@dataclass
class Learning:
    """How a network is trained. With a `checkpoints` folder a killed run goes on where it was, for the same `data`.

    `courses` is filled with how the training of each network went.
    """

    epochs: int
    batch_size: int
    seed: int
    data: str = ""
    checkpoints: Path | None = None
    progress: Progress = silent
    losses: Losses = unheard
    courses: dict[str, Course] = field(default_factory=dict)
    vary: Callable[[tuple[Array, ...], np.random.Generator], tuple[Array, ...]] = field(
        default=lambda inputs, rng: inputs
    )

    def run(self, name: str, network: Any, train: Batch, validation: Batch) -> int:
        """Train a network, leave it with the weights that validated best, and return the epochs run.

        Raises InputError when the checkpoint cannot be written.
        """
        steps = Steps(network, self.batch_size)
        kept = Checkpoint(self.checkpoints, name, f"{self.data}:{self.batch_size}:{self.seed}")
        state, best, course = kept.restore(steps.state())
        self.courses[name] = course
        while course.epochs < self.epochs and course.waited < _PATIENCE:
            rng = np.random.default_rng((self.seed, course.epochs))
            state, loss = steps.epoch(state, train, rng, self.vary)
            validated = steps.loss(state, validation)
            course.add(loss, validated)
            best = state if course.waited == 0 else best
            kept.store(state, best, course)
            self.losses(name, course.epochs, loss, validated)
            self.progress(name, course.epochs, self.epochs)
        steps.leave(best)
        self.progress(name, self.epochs, self.epochs)
        return course.epochs
