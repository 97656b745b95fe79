import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest

from openstack_rca.cli import run
from openstack_rca.cli.older import run_older
from openstack_rca.retrieval.store import VectorStore
from openstack_rca.retrieval.upkeep import CollectionCheck, Verification
from openstack_rca.settings import VectorDb

CASE = Path(__file__).parents[2] / "examples" / "incidents" / "glance-store-full"
LOGS = CASE / "logs" / "glance-api.log.gz"


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Path]:
    """A store that the command has filled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("openstack_rca.retrieval.embeddings.cache_folder", lambda: cache)
        patch.chdir(tmp_path_factory.mktemp("filled"))
        assert run(["vector-db", "ingest", str(LOGS)]) == 0
        yield Path("chroma_db").resolve()


@pytest.fixture
def store(filled: Path, workplace: Path) -> Path:
    return Path(shutil.copytree(filled, workplace / "chroma_db"))


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert run(["vector-db", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


@pytest.mark.usefixtures("workplace")
def test_without_a_store_every_action_says_so_and_makes_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no vector store at chroma_db" in answer(capsys, "status")[0]
    for action in (["search", "--query", "disk"], ["verify"], ["backup"], ["clear", "--yes"], ["reset", "--yes"]):
        assert "There is no vector store at chroma_db" in answer(capsys, *action, code=2)[1]
    assert "nothere" in answer(capsys, "ingest", "nothere", code=2)[1]
    assert not Path("chroma_db").exists()


@pytest.mark.usefixtures("store")
def test_logs_are_ingested_once(capsys: pytest.CaptureFixture[str]) -> None:
    said = answer(capsys, "ingest", str(LOGS))[0]
    assert "lines in 1 file are" in said
    assert ": 0 new or changed, written to the collection openstack_logs of chroma_db" in said
    status = answer(capsys, "status")[0]
    assert "collection  openstack_logs: " in status
    assert "model all-MiniLM-L6-v2" in status


@pytest.mark.usefixtures("store")
def test_a_search_ranks_by_meaning_and_obeys_its_filters(capsys: pytest.CaptureFixture[str]) -> None:
    lines = answer(capsys, "search", "--query", "there is no room left in the image store")[0].splitlines()
    scores = [float(line.split()[0]) for line in lines]
    assert len(lines) == 10
    assert scores == sorted(scores, reverse=True)
    errors = answer(capsys, "search", "--query", "store", "--level", "error", "--top-k", "1")[0].splitlines()
    assert [line.split()[1:3] for line in errors] == [["glance-api", "ERROR"]]
    out, err = answer(capsys, "search", "--query", "store", "--service", "nova-api")
    assert (out, err) == ("", "Nothing that fits these filters is in the collection openstack_logs of chroma_db.\n")


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "wrong", [["--query", " "], ["--query", "x", "--top-k", "0"], ["--query", "x", "--top-k", "10001"]]
)
def test_a_search_that_makes_no_sense_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "search", *wrong, code=2)[1].startswith("Error: A search ")


def test_verify_repairs_and_says_so(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "as it was written" in answer(capsys, "verify")[0]
    (store / "chroma.sqlite3").write_bytes(b"broken")
    out, err = answer(capsys, "verify")
    assert "nothing wrong" in out
    assert "The vector index was broken" in err
    assert (store / "broken-1" / "chroma.sqlite3").read_bytes() == b"broken"


@pytest.mark.usefixtures("store")
def test_what_verify_cannot_repair_is_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Verification(False, (CollectionCheck("openstack_logs", 9, missing=2, different=1),))
    monkeypatch.setattr("openstack_rca.retrieval.upkeep.verify", lambda _: failed)
    out, err = answer(capsys, "verify", code=1)
    assert out == "openstack_logs: 9 pieces read again, 0 searched, 0 embedded: 2 missing, 1 different\n"
    assert err.startswith("Error: The vector store chroma_db is not as it was written")


@pytest.mark.usefixtures("store")
def test_a_backup_brings_back_what_was_removed(capsys: pytest.CaptureFixture[str]) -> None:
    before = answer(capsys, "status")[0].splitlines()[1]
    assert "written and checked: " in answer(capsys, "backup", "all.zip")[0]
    assert "exists already" in answer(capsys, "backup", "all.zip", code=2)[1]
    assert answer(capsys, "reset", "--yes")[0].startswith("Removed from chroma_db: ")
    assert answer(capsys, "search", "--query", "store")[1] == (
        "Nothing is in the collection openstack_logs of chroma_db.\n"
    )
    said = answer(capsys, "restore", "all.zip")[0]
    assert said.startswith("Restored to chroma_db and verified: ")
    assert "; what was there is in chroma_db/replaced-1." in said
    assert before in answer(capsys, "status")[0]


@pytest.mark.parametrize(("file", "why"), [("no/such/b.zip", "There is no folder no/such"), (".", "is a folder")])
def test_a_backup_makes_no_folder(
    file: str, why: str, store: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert why in answer(capsys, "backup", file, code=2)[1]
    assert list(workplace.iterdir()) == [store]


@pytest.mark.usefixtures("store")
def test_a_search_is_cut_to_a_width_but_not_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lines() -> list[str]:
        return answer(capsys, "search", "--query", "store")[0].splitlines()

    monkeypatch.delenv("COLUMNS", raising=False)
    whole = lines()
    assert max(map(len, whole)) > 100
    assert not any(" … " in line for line in whole)
    monkeypatch.setenv("COLUMNS", "100")
    assert max(map(len, lines())) == 100


@pytest.mark.usefixtures("store")
def test_a_cut_backup_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = answer(capsys, "status")[0].splitlines()[1]
    Path("cut.zip").write_bytes(b"PK\x03\x04 cut")
    assert "is no complete backup" in answer(capsys, "restore", "cut.zip", code=2)[1]
    assert before in answer(capsys, "status")[0]


@pytest.mark.parametrize("action", ["clear", "reset"])
def test_nothing_is_removed_unless_somebody_agrees(
    action: str, store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "add --yes" in answer(capsys, action, code=2)[1]
    monkeypatch.setattr("openstack_rca.cli.asking._somebody_is_there", lambda: True)
    monkeypatch.setattr("click.confirm", lambda question, **_: question.startswith("Add"))
    assert answer(capsys, action, code=130)[1] == "Nothing was changed.\n"
    assert pieces(store) > 0
    monkeypatch.setattr("click.confirm", lambda question, **_: question.startswith("Remove from chroma_db: "))
    assert " of the collection openstack_logs." in answer(capsys, action)[0]
    assert pieces(store) == 0


def test_clear_leaves_other_collections(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["setup"]) == 0
    answer(capsys, "clear", "--yes")
    assert "collection  knowledge: " in (left := answer(capsys, "status")[0])
    assert "openstack_logs" not in left
    assert "has no collection 'openstack_logs'" in answer(capsys, "clear", "--yes", code=2)[1]


@pytest.mark.usefixtures("workplace")
def test_a_server_that_was_named_and_is_not_there_is_exit_code_4(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("CHROMA_HOST", "127.0.0.1")
        monkeypatch.setenv("CHROMA_PORT", str(free.getsockname()[1]))
    for action in (["status"], ["search", "--query", "x"], ["ingest", str(LOGS)], ["verify"], ["reset", "--yes"]):
        assert "does not answer" in answer(capsys, *action, code=4)[1]


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("silent", [False, True], ids=["down", "silent"])
def test_without_its_server_an_analysis_is_fast_and_says_so(silent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        if silent:
            server.listen()
        monkeypatch.setenv("CHROMA_HOST", "127.0.0.1")
        monkeypatch.setenv("CHROMA_PORT", str(server.getsockname()[1]))
        monkeypatch.setenv("OPENSTACK_RCA_VECTOR_DB__TIMEOUT", "0.3")
        asked = ["analyze", "--issue", "Images cannot be uploaded", "--logs", str(LOGS), "--no-llm"]
        assert run([*asked, "--format", "json", "--output", "report.json"]) == 0
    report = json.loads(Path("report.json").read_text())
    assert report["mode"] == "fast"
    (note,) = (n for n in report["notes"] if "Chroma server" in n)
    assert note.startswith("Fast mode was used, without comparison by meaning and without past incidents: ")
    assert ("timed out" if silent else "refused") in note


@pytest.mark.usefixtures("store")
def test_a_query_of_a_megabyte_and_ten_thousand_results_are_answered(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(answer(capsys, "search", "--query", "disk full " * 100_000, "--top-k", "1")[0].splitlines()) == 1
    lines = answer(capsys, "search", "--query", "disk full", "--top-k", "10000")[0].splitlines()
    texts = {line.split("  ", 2)[2] for line in lines}
    assert len(lines) > 10, "more than top_k_results"
    assert len(texts) == len(lines)


def test_a_store_of_another_schema_or_model_is_left_as_it_is(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENSTACK_RCA_VECTOR_DB__EMBEDDING_MODEL", "all-MiniLM-L6-v2-fp32")
    for action in (["search", "--query", "disk"], ["ingest", str(LOGS)]):
        assert "was written with the model all-MiniLM-L6-v2-int8-1" in answer(capsys, *action, code=2)[1]
    monkeypatch.delenv("OPENSTACK_RCA_VECTOR_DB__EMBEDDING_MODEL")
    held = pieces(store)
    with closing(sqlite3.connect(store / "ledger.sqlite3")) as ledger:
        ledger.execute("pragma user_version = 7")
    for action in (["status"], ["search", "--query", "disk"], ["ingest", str(LOGS)], ["verify"], ["reset", "--yes"]):
        assert "chroma_db has schema 7; this version reads schema 1. Move it away" in answer(capsys, *action, code=2)[1]
    assert pieces(store) == held


def test_a_broken_store_is_rebuilt_by_a_search_with_a_word(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (store / "chroma.sqlite3").write_bytes(b"broken")
    out, err = answer(capsys, "search", "--query", "disk", "--top-k", "1")
    assert len(out.splitlines()) == 1
    assert err.startswith("The vector index was broken (")
    assert "it was moved to chroma_db/broken-1 and rebuilt with " in err
    assert "set aside   chroma_db/broken-1" in answer(capsys, "status")[0]


def test_two_ingests_at_once_both_succeed_or_name_the_holder(workplace: Path) -> None:
    command = [sys.executable, "-m", "openstack_rca.cli", "vector-db", "ingest", str(LOGS)]
    environment = os.environ | {"OPENSTACK_RCA_VECTOR_DB__LOCK_WAIT": "60"}
    both = [subprocess.Popen(command, cwd=workplace, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    said = sorted(process.communicate()[0].decode().split(": ", 1)[1].split()[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said == ["0", str(pieces(workplace / "chroma_db"))]
    with VectorStore(VectorDb(persist_directory=workplace / "chroma_db"), Mock):
        done = subprocess.run(
            command,
            cwd=workplace,
            env=os.environ | {"OPENSTACK_RCA_VECTOR_DB__LOCK_WAIT": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"The vector store is in use by process {os.getpid()} on " in done.stderr


@pytest.mark.usefixtures("store")
def test_the_older_form_searches(capsys: pytest.CaptureFixture[str]) -> None:
    older = ["--mode", "vector-db", "--vector-db-action", "search", "--query", "image store", "--top-k", "3"]
    assert run_older(older) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def pieces(store: Path) -> int:
    with closing(sqlite3.connect(store / "ledger.sqlite3")) as ledger:
        return int(ledger.execute("select count(*) from pieces").fetchone()[0])
