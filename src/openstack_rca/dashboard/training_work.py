"""Training as background work: progress of each model, and its curve of validation losses as far as it has come."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openstack_rca.dashboard.work import Tell
from openstack_rca.settings import Settings


@dataclass
class Curves:
    """The best validation loss after each epoch, by model; filled while training runs."""

    losses: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What to train on and how."""

    logs: tuple[Path, ...]
    cases: tuple[Path, ...]
    epochs: int
    batch_size: int


def learn(plan: Plan, settings: Settings, curves: Curves, tell: Tell) -> object:
    """Train and return the TrainingResult.

    Raises what `pipeline.training.train` raises, UnavailableError without the extra "training" among it.
    """
    from openstack_rca.pipeline.training import train

    def progress(stage: str, done: int, total: int) -> None:
        _note(curves, settings.models_dir / ".training", stage, done)
        tell(f"{stage}, {done} of {total}", done / total if total else None)

    return train(settings, plan.logs, plan.cases, plan.epochs, plan.batch_size, progress)


def _note(curves: Curves, checkpoints: Path, stage: str, done: int) -> None:
    """Add the loss that the checkpoint of this epoch names; without one the curve has a gap."""
    try:
        state = json.loads((checkpoints / stage.replace(" ", "-") / "state.json").read_text())
        if state["epoch"] == done and math.isfinite(state["best"]):
            curves.losses.setdefault(stage, []).append((float(done), float(state["best"])))
    except (OSError, ValueError, KeyError, TypeError):
        return


def rows(scores: Mapping[str, Mapping[str, float]]) -> list[dict[str, object]]:
    """Return scores by name and measure as rows of a table, models and simple rules side by side."""
    return [{"": name, **{k: round(v, 3) for k, v in measured.items()}} for name, measured in scores.items()]
