"""The training loop: shuffled batches, early stopping on a validation split, and a checkpoint after every epoch."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and how far it goes."""
_PATIENCE = 5
_HIDDEN = 0.2


def hide_some(values: Array, rng: np.random.Generator) -> Array:
    """Set a fifth of the features of each row to 0, their mean, so that a network does not lean on a few of them."""
    shape = (len(values), *(1,) * (values.ndim - 2), values.shape[-1])
    return (values * (rng.random(shape) > _HIDDEN)).astype(np.float32)


def silent(stage: str, done: int, total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True)
class Batch:
    """Inputs, targets and weights of a network, all with the same first dimension; weight 0 takes no part."""

    inputs: tuple[Array, ...]
    targets: Array
    weights: Array

    def __len__(self) -> int:
        return len(self.targets)

    def pick(self, rows: Array, size: int) -> "Batch":
        """Return some rows, filled up to `size` with rows of weight 0, so that the network is compiled only once."""
        filled = np.resize(rows, size)
        weights = self.weights[filled].copy()
        weights[len(rows) :] = 0
        return Batch(tuple(i[filled] for i in self.inputs), self.targets[filled], weights)


@dataclass
class Learning:
    """How a network is trained. With a `checkpoints` folder a killed run goes on where it was, for the same `data`."""

    epochs: int
    batch_size: int
    seed: int
    data: str = ""
    checkpoints: Path | None = None
    progress: Progress = silent
    vary: Callable[[tuple[Array, ...], np.random.Generator], tuple[Array, ...]] = field(
        default=lambda inputs, rng: inputs
    )

    def run(self, name: str, network: Any, train: Batch, validation: Batch) -> int:
        """Train a compiled network, leave it with the weights that validated best, and return the epochs run."""
        state = _Checkpoint(self.checkpoints, name, self._identity(), network)
        epoch, best, waited = state.restore()
        while epoch < self.epochs and waited < _PATIENCE:
            self._epoch(network, train, epoch)
            loss = self._loss(network, validation)
            epoch, waited = epoch + 1, 0 if loss is None or loss < best else waited + 1
            best = best if loss is None else min(best, loss)
            state.store(epoch, best, waited)
            self.progress(name, epoch, self.epochs)
        state.finish()
        self.progress(name, self.epochs, self.epochs)
        return epoch

    def _identity(self) -> str:
        return f"{self.data}:{self.batch_size}:{self.seed}"

    def _epoch(self, network: Any, train: Batch, epoch: int) -> None:
        rng = np.random.default_rng((self.seed, epoch))
        order = rng.permutation(len(train))
        for rows in _portions(order, self.batch_size):
            batch = train.pick(rows, self.batch_size)
            _step(network.train_on_batch, self.vary(batch.inputs, rng), batch)

    def _loss(self, network: Any, validation: Batch) -> float | None:
        """Return the mean loss, None when nothing in the validation counts: then the last epoch is the best."""
        total, weight = 0.0, 0.0
        for rows in _portions(np.arange(len(validation)), self.batch_size):
            batch = validation.pick(rows, self.batch_size)
            total += _step(network.test_on_batch, batch.inputs, batch)
            weight += float(batch.weights.mean())
        return total / weight if weight else None


def _portions(rows: Array, size: int) -> Sequence[Array]:
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def _step(call: Callable[..., Any], inputs: tuple[Array, ...], batch: Batch) -> float:
    given = list(inputs) if len(inputs) > 1 else inputs[0]
    return float(np.asarray(call(given, batch.targets, sample_weight=batch.weights)).ravel()[0])


class _Checkpoint:
    """The state after an epoch, on disk when there is a folder, and the best weights so far."""

    def __init__(self, folder: Path | None, name: str, identity: str, network: Any) -> None:
        self._folder = folder / name.replace(" ", "-") if folder else None
        self._identity, self._network = identity, network
        self._best = network.get_weights()

    def restore(self) -> tuple[int, float, int]:
        """Return epoch, best loss and epochs waited of a run that was cut off, or of a fresh one."""
        fresh = (0, float("inf"), 0)
        if not self._folder or not (self._folder / "state.json").exists():
            return fresh
        try:
            state = json.loads((self._folder / "state.json").read_text())
            if state["identity"] != self._identity:
                return fresh
            self._network.load_weights(self._folder / "best.weights.h5")
            self._best = self._network.get_weights()
            self._network.load_weights(self._folder / state["last"])
            return state["epoch"], state["best"], state["waited"]
        except (OSError, ValueError, KeyError):
            return fresh  # a checkpoint that cannot be read is worth no more than none

    def store(self, epoch: int, best: float, waited: int) -> None:
        if waited == 0:
            self._best = self._network.get_weights()
        if not self._folder:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        last = f"last-{epoch % 2}.weights.h5"
        self._network.save_weights(self._folder / last)
        if waited == 0:
            shutil.copyfile(self._folder / last, self._folder / "new.weights.h5")
            os.replace(self._folder / "new.weights.h5", self._folder / "best.weights.h5")
        state = {"identity": self._identity, "epoch": epoch, "best": best, "waited": waited, "last": last}
        (self._folder / "state.new").write_text(json.dumps(state))
        os.replace(self._folder / "state.new", self._folder / "state.json")

    def finish(self) -> None:
        self._network.set_weights(self._best)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
