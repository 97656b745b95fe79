"""`python -m` this module trains: a plan as JSON on standard input; progress, losses and the result as lines of JSON."""

import json
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any, TextIO

from openstack_rca.errors import InputError, RcaError
from openstack_rca.settings import load_settings
from openstack_rca.writing import write_whole

CARD = "model-card.md"


def main() -> None:
    """Train by the plan, with the settings of this folder and environment, until done or until nobody listens."""
    signal.signal(signal.SIGTERM, _end)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is not for the one who listens
    try:
        _say(out, result=_trained(json.load(sys.stdin), out))
    except RcaError as error:
        _say(out, error=str(error))
    except BrokenPipeError:  # the dashboard is gone
        sys.exit(1)


def _end(*_: object) -> None:
    """End at once, the processes that read cases too; every file that training writes is replaced in one step."""
    for reader in multiprocessing.active_children():
        reader.terminate()
    os._exit(1)


def _trained(plan: dict[str, Any], out: TextIO) -> dict[str, Any]:
    from openstack_rca.classify.card import model_card
    from openstack_rca.pipeline.training import train

    settings = load_settings()
    result = train(
        settings,
        [Path(p) for p in plan["logs"]],
        [Path(p) for p in plan["cases"]],
        plan["epochs"],
        plan["batch_size"],
        lambda stage, done, total: _say(out, stage=stage, done=done, total=total),
        losses=lambda name, epoch, loss, validated: _say(out, network=name, epoch=epoch, losses=(loss, validated)),
    )
    card = model_card(result.facts, result.scores, result.reliability, {}, ships=False)
    _keep(card, settings.models_dir)
    return {
        "scores": result.scores,
        "reliability": result.reliability,
        "notes": result.notes,
        "seconds": result.seconds,
        "losses": {name: course.losses for name, course in result.courses.items()},
    }


def _keep(card: str, folder: Path) -> None:
    """Write the model card beside the models, whole or not at all."""
    try:
        write_whole(folder / CARD, card)
    except OSError as error:
        raise InputError(
            f"The models are saved, but the model card cannot be written in {folder}: {error.strerror}."
        ) from error


def _say(out: TextIO, **message: object) -> None:
    print(json.dumps(message), file=out, flush=True)


if __name__ == "__main__":  # as the dashboard runs it, and not as the processes that read cases
    main()
