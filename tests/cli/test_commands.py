import json
import re
from pathlib import Path

import pytest

from openstack_rca import pipeline, signatures
from openstack_rca.cli import run
from openstack_rca.cli.diagnostic import diagnose
from openstack_rca.cli.older import run_older, translate
from openstack_rca.cli.reference import PAGES, write_pages
from openstack_rca.errors import KnowledgeError, UsageError

ROOT = Path(__file__).parents[2]
INCIDENT = ROOT / "examples" / "incidents" / "nova-scheduler-down"


@pytest.fixture
def evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    result = pipeline.Evaluation(
        rows=[
            {"case": "a", "service@1": True, "component@1": None, "type@1": True, "cause": "nova-api bug"},
            {"case": "b", "service@1": True, "component@1": False, "type@1": False, "cause": "nova-api bug"},
        ],
        scores={"service@1": 0.95, "file@1": 0.5},
        baselines={"most frequent service": {"service@1": 0.3}},
        cases=20,
        reliability=[(0.31, 0.5, 4), (0.9, 1.0, 16)],
    )
    monkeypatch.setattr(pipeline, "evaluate", lambda *_, **__: result)


@pytest.mark.usefixtures("evaluation")
def test_evaluate_prints_scores_beside_trivial_rules(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "scores.json"
    assert run(["evaluate", "cases", "--min", "service@1=0.95", "--json", str(target)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["score", "ours", "[1]"],
        ["service@1", "0.950", "0.300"],
        ["file@1", "0.500", "-"],
    ]
    assert [line.split() for line in lines[4:7]] == [
        ["confidence", "right", "cases"],
        ["0.31", "0.50", "4"],
        ["0.90", "1.00", "16"],
    ]
    assert [lines[3], *lines[7:]] == [
        "[1] most frequent service",
        "b: wrong component, type, blamed nova-api bug",
        "20 cases.",
    ]
    assert json.loads(target.read_text())["scores"] == {"service@1": 0.95, "file@1": 0.5}


@pytest.mark.usefixtures("evaluation")
def test_a_missed_minimum_is_exit_code_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "scores.json"
    assert run(["evaluate", "cases", "--min", "service@1=0.9", "--min", "file@1=0.6", "--json", str(target)]) == 1
    assert "Error: A score is too low: file@1 is 0.500, below 0.6.\n" in capsys.readouterr().err
    assert target.exists()


@pytest.mark.usefixtures("evaluation")
def test_an_unknown_score_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "cases", "--min", "beauty=1"]) == 2
    assert capsys.readouterr().err == "Error: There is no score 'beauty'; there are service@1, file@1.\n"


def test_signatures_are_listed_shown_and_tested(capsys: pytest.CaptureFixture[str]) -> None:
    known = signatures.load_signatures()
    assert run(["signatures", "list"]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == len(known)
    assert captured.err == f"{len(known)} signatures.\n"
    for service in ("cinder", "cinder-volume"):
        assert run(["signatures", "list", "--service", service]) == 0
        listed = capsys.readouterr().out
        assert " cinder-volume-create-failed: " in listed
        assert " nova-spawn-failed: " not in listed
    assert run(["signatures", "list", "--service", "nothing"]) == 0
    assert capsys.readouterr().out == ""
    assert run(["signatures", "show", known[0].id]) == 0
    assert known[0].pattern in capsys.readouterr().out
    assert run(["signatures", "test"]) == 0
    assert capsys.readouterr().out.startswith(f"{len(known)} signatures, ")


def test_broken_signatures_fail_their_test(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise KnowledgeError("Signatures are broken:\n  a.yaml: wrong")

    monkeypatch.setattr(signatures, "checked_signatures", broken)
    assert run(["signatures", "test"]) == 1
    assert capsys.readouterr().err == "Error: Signatures are broken: a.yaml: wrong\n"


def test_setup_makes_the_folders_and_takes_stock(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, workplace: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", "in/logs")
    assert run(["setup"]) == 0
    assert "missing  logs: in/logs is empty" in capsys.readouterr().out
    (workplace / "in" / "logs" / "nova-api.log").write_text("x")
    assert run(["setup"]) == 0
    out = capsys.readouterr().out
    assert "ready    learned score: the models of the package" in out
    assert "ready    embedding model all-MiniLM-L6-v2" in out
    assert re.search(r"^ready    vector store chroma_db: \d+ pieces of the collection knowledge$", out, re.MULTILINE)
    assert "ready    past incidents: 0 in incidents" in out
    assert "ready    logs: 1 file in in/logs" in out
    assert "log formats" in out


@pytest.mark.usefixtures("workplace")
def test_setup_says_what_is_missing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_PROVIDER", "none")
    monkeypatch.setenv("OPENSTACK_RCA_VECTOR_DB__EMBEDDING_MODEL", "word2vec")
    Path("saved_models").mkdir()
    Path("saved_models/lstm_log_classifier.json").write_text("{}")
    assert run(["setup"]) == 0
    out = capsys.readouterr().out
    assert all(
        f"missing  {part}: " in out for part in ("learned score", "embedding model", "vector store", "language model")
    )


def test_setup_says_when_a_folder_cannot_be_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file" / "logs"))
    assert run(["setup"]) == 2
    assert "cannot be made" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("older", "today"),
    [
        (["--mode", "setup"], ["setup"]),
        (["--mode=setup"], ["setup"]),
        (["--mode", "analyze", "--issue", "x y", "--fast-mode"], ["analyze", "--issue", "x y", "--fast"]),
        (["--issue", "x", "--mode", "analyze", "--logs=a"], ["analyze", "--issue", "x", "--logs=a"]),
        (["--mode", "train", "--clean-vector-db"], ["train", "--clean-vector-db"]),
        (["--mode", "vector-db", "--vector-db-action", "verify"], ["vector-db", "verify"]),
        (["--mode", "vector-db", "--vector-db-action=search", "--query", "x"], ["vector-db", "search", "--query", "x"]),
        (["--mode", "vector-db", "--query=x"], ["vector-db", "search", "--query=x"]),
        (["--mode", "vector-db"], ["vector-db", "status"]),
    ],
)
def test_the_older_form_is_translated(older: list[str], today: list[str]) -> None:
    assert translate(older) == today


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        (["--help"], "python main.py --mode MODE"),
        (["-h"], "python main.py --mode MODE"),
        (["--mode", "setup", "-h"], "openstack-rca setup"),
        (["--mode=vector-db", "--help"], "openstack-rca vector-db status"),
    ],
)
def test_the_older_form_helps(arguments: list[str], usage: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_older(arguments) == 0
    assert capsys.readouterr().out.startswith(f"Usage: {usage} ")


@pytest.mark.parametrize("arguments", [[], ["--mode"], ["--mode", "dance"], ["analyze", "--issue", "x"]])
def test_an_unknown_mode_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="--mode"):
        translate(arguments)
    assert run_older(arguments) == 2
    assert capsys.readouterr().err.startswith("Error: Say with --mode what to do: setup, ")


def test_the_diagnostic_run_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert diagnose(INCIDENT) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["works"] * 4 + ["4"]


def test_the_diagnostic_run_says_what_is_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "nova-api.log").write_text("no log\n")
    assert diagnose(tmp_path) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["works", "broken", "broken", "broken", "1"]


@pytest.mark.parametrize("page", PAGES)
def test_generated_pages_are_up_to_date(page: str) -> None:
    assert (ROOT / "docs" / page).read_text("utf-8") == PAGES[page](), "run ./scripts/docs"


def test_stale_pages_are_found_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, code in (["--check"], 1), ([], 0), (["--check"], 0):
        with pytest.raises(SystemExit) as ended:
            write_pages([str(tmp_path), *arguments])
        assert ended.value.code == code
    assert "cli.md is out of date" in capsys.readouterr().err
