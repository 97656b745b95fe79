"""Trains the models that ship with the package, and writes their card; see scripts/train-model."""

import argparse
from pathlib import Path

from openstack_rca.classify import shipped
from openstack_rca.classify.card import model_card, score_table
from openstack_rca.pipeline.training import cross_validate, train
from openstack_rca.settings import Settings

CASES = Path("examples/incidents")
CARD = Path("docs/model-card.md")


def show(stage: str, done: int, total: int) -> None:
    """Print one line of progress."""
    print(f"{stage}: {done} of {total}", flush=True)


def main() -> None:
    """Train, judge, and write models and card."""
    parser = argparse.ArgumentParser(prog="scripts/train-model", description=__doc__)
    parser.add_argument(
        "--folds", type=int, default=5, help="folds of the cross-validation that the card shows; 0 for none"
    )
    options = parser.parse_args()
    settings = Settings(models_dir=shipped())
    result = train(settings, cases=[CASES], progress=show)
    for source, table in result.scores.items():
        print(f"Labels: {source}", score_table(table), sep="\n")
    tuning = cross_validate(settings, [CASES], options.folds, show) if options.folds else {}
    CARD.write_text(model_card(result.facts, result.scores, result.reliability, tuning))
    print(f"Wrote {', '.join(map(str, result.models))} and {CARD}.")


if __name__ == "__main__":
    main()
