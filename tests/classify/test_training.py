"""The whole training, on a few of our lab's incidents."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from openstack_rca.classify import Samples, find, load
from openstack_rca.classify.card import lost_to_rules, model_card, score_table, sum_table
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
MEASURES = (
    "accuracy", "precision", "recall", "f1", "f1 a case", "pr_auc", "pr_auc a case", "evidence recall@20",
    "evidence recall@50", "evidence MRR", "unseen f1", "unseen pr_auc",
)  # fmt: skip
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
    assert sum_table(scores) in card


def test_the_card_owns_up_to_what_a_rule_does_better() -> None:
    measures = dict.fromkeys(MEASURES, 0.5)
    scores = {
        "lstm": measures,
        "mlp": measures | {"recall": 1.0},
        "keyword rule": measures | {"f1": 0.7, "recall": 0.4},
    }
    assert lost_to_rules(scores) == "Better than lstm is a simple rule by: F1 (keyword rule 0.700)."


def test_the_card_shows_what_the_learned_score_adds_to_the_words_of_the_issue() -> None:
    found = {"lstm": (0.8, 1.0, 0.5), "TF-IDF": (0.4, 0.6, 0.1), "learned and TF-IDF": (0.7, 1.0, 0.55)}
    evidence = ("evidence recall@20", "evidence recall@50", "evidence MRR")
    scores = {name: dict(zip(evidence, values, strict=True)) for name, values in found.items()}
    lines = sum_table(scores).splitlines()
    assert lines[2:5] == [
        "| lstm alone | 0.800 | 1.000 | 0.500 |",
        "| TF-IDF | 0.400 | 0.600 | 0.100 |",
        "| both | 0.700 | 1.000 | 0.550 |",
    ]
    assert lines[-2].startswith("The learned score adds to TF-IDF: +0.300 evidence recall@20, +0.400 ")
    assert lines[-1].startswith("TF-IDF adds to the learned score: -0.100 evidence recall@20, +0.000 ")
    nothing = {name: dict.fromkeys(evidence, float("nan")) for name in scores}
    assert sum_table(nothing) == ""


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
    assert result.facts["important records"] > 0
    withheld = {name for name, factor in zip(NAMES, model.artifact.scaling.factor, strict=True) if factor == 0}
    assert {"level", "error", "errors_10s", "first_seen", "template_rarity", "transition_share"} <= withheld
    assert {"says_failure", "message_length"} <= withheld, "a signature found something, and it reads the text"
    assert not {"gap_service", "request_position"} & withheld


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
    with pytest.raises(InputError, match=r"needs 100 records .* here are 1"):
        train(settings, logs=[one])
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / HELD_BACK).symlink_to(INCIDENTS / HELD_BACK)
    with pytest.raises(InputError, match=r"needs 100 records .* here are 0"):
        train(settings, cases=[tmp_path / "cases"])
    assert not (tmp_path / "models").exists()


def written(folder: Path, line: str, many: int = 300) -> Path:
    """Return a log in which a line stands many times: {n} counts, {s} tells the seconds, {w} is another word in each."""
    folder.mkdir()
    words = [chr(97 + n % 26) * 9 + chr(97 + n // 26) * 9 for n in range(many)]
    lines = [line.format(n=n, s=f"{n // 60:02}:{n % 60:02}", w=word) for n, word in enumerate(words)]
    (folder / "nova-api.log").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("INFO nova.api.openstack [-] Server {n} is fine", "labelled important: there is nothing to learn to find"),
        ("2026-11-22 09:{s}.290 9856 ERROR nova.api [-] {w} broke for good", "there is nothing to tell it from"),
    ],
    ids=["no timestamps", "failures only"],
)
def test_logs_that_teach_nothing_leave_the_old_model_in_place(
    line: str, said: str, tmp_path: Path, result: TrainingResult, models: Path
) -> None:
    before = {path.name: path.read_bytes() for path in models.iterdir()}
    with pytest.raises(InputError, match=said):
        train(Settings(models_dir=models, lstm=SMALL), logs=[written(tmp_path / "logs", line)])
    assert {path.name: path.read_bytes() for path in models.iterdir()} == before


@pytest.mark.parametrize("line", ["INFO nova.api [-] Server {n} is fine", "WARNING nova.api [-] Server {n} is late"])
def test_logs_of_one_class_or_none_teach_what_normally_follows_what(line: str, tmp_path: Path) -> None:
    logs = written(tmp_path / "logs", "2026-11-22 09:{s}.290 9856 " + line)
    result = train(Settings(models_dir=tmp_path / "models", lstm=SMALL), logs=[logs])
    assert result.models == (tmp_path / "models" / "lstm_log_classifier.keras",)
    assert list(result.courses) == ["what follows what"]
    assert result.facts["important records"] == 0


_FULL = """
import resource, sys
from pathlib import Path
from openstack_rca.errors import InputError
from openstack_rca.pipeline.training import train
from openstack_rca.settings import Lstm, Settings
if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    small = Lstm(epochs=1, units=8, batch_size=64, sequence_length=8)
    try:
        train(Settings(models_dir=Path(sys.argv[1]), lstm=small), logs=[Path(sys.argv[2])])
    except InputError as error:
        print(error)
"""


def test_a_disk_that_fills_leaves_the_old_model_in_place(tmp_path: Path, result: TrainingResult, models: Path) -> None:
    logs = written(tmp_path / "logs", "2026-11-22 09:{s}.290 9856 INFO nova.api [-] Server {n} is fine")
    before = {path.name: path.read_bytes() for path in models.iterdir() if path.is_file()}
    script = tmp_path / "full.py"
    script.write_text(_FULL)
    ended = subprocess.run([sys.executable, script, models, logs], capture_output=True, text=True, timeout=300)
    assert ended.stdout.endswith("File too large; the old model is unchanged.\n"), ended.stderr
    assert {path.name: path.read_bytes() for path in models.iterdir() if path.is_file()} == before


def test_a_training_that_was_killed_goes_on_and_says_so(tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("what follows what", 1):
            raise Killed

    logs = written(tmp_path / "logs", "2026-11-22 09:{s}.290 9856 INFO nova.api [-] Server {n} is fine")
    settings = Settings(models_dir=tmp_path / "models", lstm=SMALL)
    with pytest.raises(Killed):
        train(settings, logs=[logs], progress=kill)
    heard: list[int] = []
    result = train(settings, logs=[logs], losses=lambda name, epoch, loss, validated: heard.append(epoch))
    assert heard == [2]
    assert "The training of 'what follows what' was taken up after epoch 1 of a run that was cut off." in result.notes
    assert not (tmp_path / "models" / ".training").exists()
