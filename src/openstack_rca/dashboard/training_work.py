"""Training as background work: a process of its own, the progress of each network, and its losses as they come."""

import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from openstack_rca.dashboard.work import Tell
from openstack_rca.errors import RcaError

Losses = list[tuple[float, float | None]]
"""Training and validation loss of each epoch."""

_LOOK_EVERY = 0.3
_ONE = threading.Lock()
"""All sessions write their models into one folder, so one trains at a time."""


@dataclass
class Curves:
    """The losses of each network so far; filled while training runs."""

    losses: dict[str, Losses] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What to train on and how."""

    logs: tuple[Path, ...]
    cases: tuple[Path, ...]
    epochs: int
    batch_size: int


@dataclass(frozen=True)
class Trained:
    """What a training has to show; `scores` and `reliability` as `pipeline.training.TrainingResult` has them."""

    scores: Mapping[str, Mapping[str, Mapping[str, float]]]
    reliability: Sequence[tuple[float, float, int]]
    notes: Sequence[str]
    seconds: float


def learn(plan: Plan, curves: Curves, tell: Tell) -> Trained:
    """Train in another process and return what came of it; in this one, Streamlit clears Keras' state at every rerun.

    Raises RcaError with the sentence of the process when it fails, Stopped when the user stops it.
    """
    command = [sys.executable, "-m", "openstack_rca.dashboard.training_process"]
    with _alone(tell), subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            return _followed(process, plan, curves, tell)
        except BaseException:
            process.terminate()
            raise


@contextmanager
def _alone(tell: Tell) -> Iterator[None]:
    """Wait until no other training runs."""
    while not _ONE.acquire(timeout=_LOOK_EVERY):
        tell("waiting for another training to end")
    try:
        yield
    finally:
        _ONE.release()


def _followed(process: subprocess.Popen[bytes], plan: Plan, curves: Curves, tell: Tell) -> Trained:
    """Give the process its plan, and hear it until its result."""
    assert process.stdin
    assert process.stdout
    with suppress(BrokenPipeError), process.stdin as given:  # it may have died, as the end of its output tells
        given.write(json.dumps(asdict(plan), default=str).encode())
    stage: tuple[str, float | None] = ("starting", None)
    for said in _messages(process.stdout):
        match said:
            case {"stage": name, "done": done, "total": total}:
                stage = (f"{name}, {done} of {total}", done / total if total else None)
            case {"network": name, "losses": [loss, validated]}:
                curves.losses.setdefault(name, []).append((loss, validated))
            case {"error": sentence}:
                raise RcaError(sentence)
            case {"result": result}:
                curves.losses = result.pop("losses")  # with the epochs of a run that was taken up again
                return Trained(**result)
        tell(*stage)
    raise RcaError(
        "The process that trained ended early, perhaps for want of memory; the server's log may say why. Started again"
        " with the same data, it goes on where it was."
    )


def _messages(heard: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield what a process says, and nothing in an empty message when it has been silent for a moment."""
    rest = b""
    while True:
        if not select.select([heard], [], [], _LOOK_EVERY)[0]:
            yield {}
        elif block := os.read(heard.fileno(), 1 << 16):
            *lines, rest = (rest + block).split(b"\n")
            yield from map(json.loads, lines)
        else:
            return
