from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openstack_rca.classify import Course
from openstack_rca.classify.card import score_table
from openstack_rca.cli import run
from openstack_rca.errors import UnavailableError
from openstack_rca.pipeline import training
from openstack_rca.pipeline.training import TrainingResult

LOG = Path(__file__).parents[2] / "examples" / "incidents" / "glance-store-full" / "logs" / "glance-api.log.gz"
MEASURES = ("accuracy", "precision", "recall", "f1", "f1 a case", "pr_auc", "pr_auc a case", "evidence recall@20",
            "evidence recall@50", "evidence MRR", "unseen f1", "unseen pr_auc")  # fmt: skip
Call = dict[str, Any]


def result(models: Path) -> TrainingResult:
    facts = {
        "cases": 3, "held back": ["quota"], "lines": 1234, "records learned from": 900, "important records": 12,
        "labels": {"evidence cited in cases": 3}, "features": 91,
    }  # fmt: skip
    rules = ("TF-IDF", "learned and TF-IDF", "majority class")
    scores = {"lstm": dict.fromkeys(MEASURES, 0.75), **{name: dict.fromkeys(MEASURES, 0.5) for name in rules}}
    model = models / "lstm_log_classifier.keras"
    return TrainingResult(
        facts, {"evidence cited in cases": scores}, [(0.1, 0.2, 3)], (model,), ("mute is mute.",), 7.4,
        courses={"important records": Course(0, 0.25, 1, [(0.5, 0.25), (0.4, 0.3)])},
    )  # fmt: skip


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, workplace: Path) -> list[Call]:
    """What training was asked for; it takes minutes, so its own tests run it and these do not."""
    calls: list[Call] = []

    def train(settings: Any, logs: Any, cases: Any, epochs: Any, batch: Any, progress: Callable[..., None]) -> Any:
        progress("lstm", 1, 2)
        calls.append({"logs": logs, "cases": cases, "epochs": epochs, "batch": batch})
        settings.models_dir.mkdir()
        return result(settings.models_dir)

    monkeypatch.setattr(training, "train", train)
    return calls


def test_it_says_what_was_loaded_learned_and_measured(trained: list[Call], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--cases", "a", "--cases", "b", "--epochs", "3", "--batch-size", "16"]) == 0
    assert trained == [{"logs": (), "cases": (Path("a"), Path("b")), "epochs": 3, "batch": 16}]
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "loaded    3 cases, 1 of them held back (quota), 1,234 lines"
    assert lines[1] == "learned   from 900 records, 12 of them important; labels: evidence cited in cases"
    assert lines[2].startswith("features  91: 9 time, ")
    assert sum(int(part.split()[0]) for part in lines[2].removeprefix("features  91: ").split(", ")) == 91
    assert lines[4] == "          important records: 2 epochs, best validation loss 0.2500 after epoch 1"
    assert ["pr_auc", "0.750", "0.500", "0.500", "0.500"] in [line.split() for line in lines]
    assert lines[-2:] == ["model     saved_models/lstm_log_classifier.keras", "card      saved_models/model-card.md"]
    assert captured.err == "mute is mute.\n"
    assert not Path("chroma_db").exists()


@pytest.mark.usefixtures("trained")
def test_the_card_of_own_models_says_whose_they_are(workplace: Path) -> None:
    assert run(["train", "--cases", "a"]) == 0
    card = (workplace / "saved_models" / "model-card.md").read_text()
    assert "Made by `openstack-rca train`" in card
    assert score_table(result(workplace).scores["evidence cited in cases"]) in card
    assert "OpenStack Zed" not in card


@pytest.mark.usefixtures("trained")
def test_logs_go_to_the_vector_store_which_can_be_cleaned_before(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "--logs", str(LOG)]
    said = []
    for more in ([], [], ["--clean-vector-db"]):
        assert run([*arguments, *more]) == 0
        said.append([line for line in capsys.readouterr().out.splitlines() if line.startswith("store")])
        Path("saved_models/model-card.md").unlink()
        Path("saved_models").rmdir()
    assert ": 0 new or changed" not in said[0][0]
    assert ": 0 new or changed" in said[1][0]
    assert said[2][0].startswith("store     removed from chroma_db: ")
    assert ": 0 new or changed" not in said[2][1]


def test_without_paths_the_data_folder_is_learned_from(
    trained: list[Call], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train"]) == 2
    assert capsys.readouterr().err.startswith("Error: There is no folder logs with logs")
    (workplace / "logs").mkdir()
    (workplace / "logs" / LOG.name).write_bytes(LOG.read_bytes())
    assert run(["train"]) == 0
    assert [call["logs"] for call in trained] == [(Path("logs"),)]


@pytest.mark.usefixtures("trained")
def test_without_an_embedding_model_only_the_store_goes_without(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise UnavailableError("The weights are not installed.")

    monkeypatch.setattr("openstack_rca.pipeline.storing.open_embedder", missing)
    assert run(["train", "--logs", str(LOG)]) == 0
    captured = capsys.readouterr()
    assert "card      saved_models/model-card.md" in captured.out
    assert captured.err.endswith("The logs are not in the vector store: The weights are not installed.\n")


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("wrong", [["--epochs", "0"], ["--batch-size", "x"], ["--cases", "nowhere"]])
def test_bad_input_is_one_sentence(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", *wrong]) == 2
    assert capsys.readouterr().err.startswith("Error: ")
