"""The whole training, on a few of our lab's incidents."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from openstack_rca.classify import Samples, find, load
from openstack_rca.classify.card import lost_to_rules, model_card, score_table
from openstack_rca.classify.measures import recall_at
from openstack_rca.errors import InputError, UsageError
from openstack_rca.features import NAMES, Baseline, compute, time_ranks, window_numbers
from openstack_rca.parsing import LogParser
from openstack_rca.pipeline.training import TrainingResult, train
from openstack_rca.settings import Lstm, Settings
from openstack_rca.sources import PathSource
from openstack_rca.templates import DrainMiner

pytest.importorskip("jax")
pytest.importorskip("sklearn")
INCIDENTS = Path(__file__).parents[2] / "examples" / "incidents"
HELD_BACK = "batch-request-exceeds-ram"
LEARNED = ("compute-2-killed", "instances-disk-full-compute-1", "placement-password-scheduler")
SMALL = Lstm(epochs=2, units=8, batch_size=64, sequence_length=8)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def result(models: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    cases = tmp_path_factory.mktemp("cases")
    for name in ("baseline-1", HELD_BACK, *LEARNED):
        (cases / name).symlink_to(INCIDENTS / name)
    (cases / "mute" / "logs").mkdir(parents=True)
    (cases / "mute" / "truth.yaml").write_text("id: mute\nissue: Nothing works.\nroot_cause_service: nova\n")
    return train(Settings(models_dir=models, lstm=SMALL), cases=[cases])


def test_the_models_stand_where_the_interface_says_and_can_be_used(result: TrainingResult, models: Path) -> None:
    assert result.models == (models / "lstm_log_classifier.keras", models / "mlp_log_classifier.keras")
    assert all(path.stat().st_size > 1000 for path in result.models)
    assert find(models, "lstm").kind == "lstm"


def test_it_says_what_it_learned_from(result: TrainingResult, models: Path) -> None:
    assert len(result.features) == 91
    assert result.facts["cases"] == 4
    assert result.facts["held back"] == [HELD_BACK]
    assert result.facts["labels"] == {"evidence cited in cases": 4}
    assert any(note.startswith("mute names neither evidence") for note in result.notes)
    stored = load(models, "lstm").facts
    assert stored["data hash"] == result.facts["data hash"]
    assert stored["scores"] == {source: table["lstm"] for source, table in result.scores.items()}


def test_every_method_is_measured_beside_the_learned_ones(result: TrainingResult) -> None:
    (scores,) = result.scores.values()
    rules = {"majority class", "keyword rule", "TF-IDF", "level first, then TF-IDF", "depth-1 tree"}
    assert rules | {"lstm", "mlp", "learned and TF-IDF"} <= set(scores)
    assert all(0 <= value <= 1 for measured in scores.values() for value in measured.values())
    assert scores["majority class"]["recall"] == 0
    assert "depth-1 tree" in score_table(scores)


def test_the_card_holds_the_scores_and_the_limits(result: TrainingResult) -> None:
    card = model_card(result.facts, result.scores, result.reliability, {})
    assert HELD_BACK in card
    (scores,) = result.scores.values()
    assert f"{scores['lstm']['evidence recall@50']:.3f}" in card
    assert json.dumps(result.facts["labels"]) in card
    assert lost_to_rules(scores) in card


def test_the_card_owns_up_to_what_a_rule_does_better() -> None:
    measures = dict.fromkeys(
        ("accuracy", "precision", "recall", "f1", "pr_auc", "pr_auc a case", "evidence recall@50"), 0.5
    ) | {"unseen f1": 0.5, "unseen pr_auc": 0.5}
    scores = {
        "lstm": measures,
        "mlp": measures | {"recall": 1.0},
        "keyword rule": measures | {"f1": 0.7, "recall": 0.4},
    }
    assert lost_to_rules(scores) == "Better than lstm is a simple rule by: F1 (keyword rule 0.700)."


def test_the_sequence_length_and_the_units_shape_the_network(models: Path, result: TrainingResult) -> None:
    assert load(models, "lstm").length == SMALL.sequence_length


def test_logs_alone_are_labelled_by_weak_rules_whose_features_are_withheld(tmp_path: Path) -> None:
    logs = INCIDENTS / "compute-2-killed" / "logs"
    result = train(Settings(models_dir=tmp_path, lstm=SMALL), logs=[logs])
    assert list(result.facts["labels"]) == ["weak rules over level, rarity and signatures (no case was given)"]
    assert "unknown" in result.notes[0]
    model = find(tmp_path, "lstm")
    assert model.artifact
    assert model.artifact.blind
    withheld = {name for name, factor in zip(NAMES, model.artifact.scaling.factor, strict=True) if factor == 0}
    assert {"level", "error", "errors_10s", "first_seen", "template_rarity", "transition_share"} <= withheld
    assert not {"gap_service", "request_position", "says_failure"} & withheld


def test_the_model_that_ships_ranks_the_evidence_of_a_case_it_has_not_seen(tmp_path: Path) -> None:
    parts = [LogParser().parse(PathSource([INCIDENTS / n / "logs"]).files()).table for n in ("baseline-1", HELD_BACK)]
    both = DrainMiner().assign(pl.concat(parts))
    healthy, table = both.head(len(parts[0])), both.tail(len(parts[1]))
    templates = table["template"].cast(pl.String).to_list()
    values = compute(table, Baseline.of(healthy))
    samples = Samples.of(NAMES, values, templates, window_numbers(table), time_ranks(table))
    scores = find(tmp_path, "lstm").score(samples)
    cited = np.flatnonzero(table["message"].str.contains("Over capacity for MEMORY_MB").to_numpy())
    repeats = table.select(pl.struct("template", "file").rank("dense")).to_series().to_numpy().astype(np.int64)
    assert len(cited) > 0
    assert len(np.unique(repeats)) > 100
    assert recall_at(scores, [cited], repeats, depth=50) == 1


def test_what_cannot_be_learned_from_ends_in_one_sentence(tmp_path: Path) -> None:
    settings = Settings(models_dir=tmp_path / "models", lstm=SMALL)
    with pytest.raises(UsageError, match="needs logs or cases"):
        train(settings)
    one = tmp_path / "nova-api.log"
    one.write_text("2026-11-22 09:16:23.290 9856 INFO nova.api [-] Something happened\n")
    with pytest.raises(InputError, match="only 1 records"):
        train(settings, logs=[one])
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / HELD_BACK).symlink_to(INCIDENTS / HELD_BACK)
    with pytest.raises(InputError, match="only 0 records"):
        train(settings, cases=[tmp_path / "cases"])
    assert not (tmp_path / "models").exists()
