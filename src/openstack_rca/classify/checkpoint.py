"""Checkpoints: where the training of a network stands, on disk after every epoch, and how it went so far."""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from openstack_rca.classify.steps import Array, State
from openstack_rca.errors import InputError
from openstack_rca.writing import write_whole


@dataclass
class Course:
    """How a training went: training and validation loss of each epoch, and after which epoch it was taken up again.

    `best` is the lowest validation loss, `waited` counts the epochs since; without validation the last epoch is best.
    """

    resumed: int = 0
    best: float = float("inf")
    waited: int = 0
    losses: list[tuple[float, float | None]] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Epochs that are done."""
        return len(self.losses)

    @property
    def best_epoch(self) -> int:
        """The epoch (from 1) with the lowest validation loss, 0 when nothing validated."""
        return self.epochs - self.waited if math.isfinite(self.best) else 0

    def add(self, loss: float, validated: float | None) -> None:
        """Take note of an epoch."""
        self.losses.append((loss, validated))
        self.waited = 0 if validated is None or validated < self.best else self.waited + 1
        self.best = self.best if validated is None else min(self.best, validated)


class Checkpoint:
    """The state of a network's training in a file of its own; without a folder nothing is kept."""

    def __init__(self, folder: Path | None, name: str, identity: str) -> None:
        self._file = folder / f"{name.replace(' ', '-')}.npz" if folder else None
        self._identity = identity

    def restore(self, fresh: State) -> tuple[State, State, Course]:
        """Return last state, best state and course of a run that was cut off; the fresh state when there is none.

        A checkpoint of other data, of another network, or one that cannot be read, is worth no more than none.
        """
        if self._file and self._file.exists():
            with suppress(OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile):
                return self._read(self._file, fresh)
        return fresh, fresh, Course()

    def store(self, last: State, best: State, course: Course) -> None:
        """Write where the training stands, so that at every moment a whole checkpoint is on disk.

        Raises InputError when it cannot be written.
        """
        if not self._file:
            return
        told = json.dumps({"identity": self._identity, **asdict(course)})
        arrays = {"told": np.array(told), **_named("last", last), **_named("best", best)}
        content = BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._file, content.getvalue())
        except OSError as error:
            raise InputError(
                f"The checkpoint {self._file} cannot be written: {error.strerror}; the old model is unchanged."
            ) from error

    def _read(self, file: Path, fresh: State) -> tuple[State, State, Course]:
        with np.load(BytesIO(file.read_bytes()), allow_pickle=False) as content:
            course = json.loads(str(content["told"]))
            if course.pop("identity") != self._identity:
                raise ValueError("a checkpoint of other data")
            last, best = (_like(fresh, content, which) for which in ("last", "best"))
        losses = [(loss, validated) for loss, validated in course.pop("losses")]
        return last, best, Course(**course | {"losses": losses, "resumed": len(losses)})


def _named(which: str, state: State) -> dict[str, Array]:
    """Return the arrays of a state by name."""
    return {f"{which}-{n}-{m}": array for n, arrays in enumerate(state) for m, array in enumerate(arrays)}


def _like(fresh: State, content: Mapping[str, Array], which: str) -> State:
    """Return the arrays of a file as a state; raises ValueError when they do not have the shapes of the fresh one."""
    arrays = {name: (content[name], usual) for name, usual in _named(which, fresh).items()}
    if any(array.shape != usual.shape for array, usual in arrays.values()):
        raise ValueError("a checkpoint of another network")
    found = iter(array for array, _ in arrays.values())
    return [[next(found) for _ in usual] for usual in fresh]
