import json
from pathlib import Path

import pytest

from openstack_rca.cli import run
from openstack_rca.incidents.incident import from_report

CASE = Path(__file__).parents[2] / "examples" / "incidents" / "glance-store-full"


@pytest.fixture(scope="session")
def report_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("report") / "report.json"
    log = str(CASE / "logs" / "glance-api.log.gz")
    arguments = ["analyze", "--issue", "Images cannot be uploaded", "--logs", log, "--fast"]
    assert run([*arguments, "--format", "json", "--output", str(target)]) == 0
    return target.read_text()


@pytest.fixture
def report(workplace: Path, report_text: str) -> Path:
    path = workplace / "report.json"
    path.write_text(report_text)
    return path


@pytest.fixture
def incident(report: Path) -> str:
    assert run(["incidents", "add", str(report)]) == 0
    return from_report(json.loads(report.read_text())).id


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert run(["incidents", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_a_report_is_added_once(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "list") == ("", "0 incidents in incidents.\n")
    assert answer(capsys, "add", str(report), "--link", "https://tickets/7")[0].endswith(" added to incidents.\n")
    assert answer(capsys, "add", str(report))[0].endswith(" is in incidents already and stays as it is.\n")
    out, err = answer(capsys, "list")
    assert "  open       Images cannot be uploaded" in out
    assert err == "1 incident in incidents.\n"


def test_what_solved_it_confirms_an_incident(incident: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "symptom   Images cannot be uploaded" in answer(capsys, "show", incident)[0]
    assert "missing" in answer(capsys, "resolve", incident, "--solution", " ", code=2)[1]
    assert "--cause" in answer(capsys, "resolve", incident, "--solution", "x", "--cause", "", code=2)[1]
    answer(capsys, "resolve", incident, "--solution", "The volume was grown", "--cause", "A full disk")
    shown = answer(capsys, "show", incident)[0]
    assert "solution  The volume was grown" in shown
    assert "cause     A full disk" in shown
    assert f"{incident}  confirmed" in answer(capsys, "list")[0]


def test_what_was_only_recommended_is_no_solution(incident: str, capsys: pytest.CaptureFixture[str]) -> None:
    search = ("search", "--query", "cannot upload images", "--fast")
    assert "\nproposed  " in answer(capsys, "show", incident)[0]
    assert "      not confirmed yet; was recommended: " in answer(capsys, *search)[0]
    answer(capsys, "resolve", incident, "--solution", "The volume was grown")
    assert "      what solved it: The volume was grown\n" in answer(capsys, *search)[0]


def test_a_wrong_diagnosis_is_not_learned_from(incident: str, capsys: pytest.CaptureFixture[str]) -> None:
    def culprit() -> dict[str, str] | None:
        found: dict[str, str] | None = json.loads(Path("incidents", f"{incident}.json").read_text())["culprit"]
        return found

    assert culprit() is not None
    assert answer(capsys, "resolve", incident, "--solution", "x")[1] == ""
    assert culprit() is not None
    assert "no ranking learns" in answer(capsys, "resolve", incident, "--solution", "x", "--cause", "A typo")[1]
    assert culprit() is None
    true = ["--component", "mysqld", "--type", "misconfiguration", "--code", "nova/conf/database.py"]
    assert answer(capsys, "resolve", incident, "--solution", "x", "--cause", "A typo", *true)[1] == ""
    assert culprit() == {
        "service": "mariadb", "component": "mariadb", "host": None, "type": "misconfiguration",
        "code": "nova/conf/database.py:",
    }  # fmt: skip
    for wrong, why in (
        (["--component", "mariadb"], "needed together"),
        (["--type", "bug"], "needed together"),
        (["--code", "a.py:f"], "needed together"),
        (["--component", "mariadb", "--type", "sabotage"], "service-down, "),
        (["--component", " ", "--type", "bug"], "component is empty"),
        (["--component", "mariadb", "--type", "bug", "--code", "foo"], "--code needs FILE:FUNCTION"),
        (["--component", "mariadb", "--type", "bug", "--code", "a.py:f:g"], "not 'a.py:f:g'"),
    ):
        assert why in answer(capsys, "resolve", incident, "--solution", "x", *wrong, code=2)[1]


@pytest.mark.parametrize("how", [["--fast"], []])
def test_incidents_are_found_by_text(how: list[str], incident: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = answer(capsys, "search", "--query", "cannot upload images", *how)
    assert answer(capsys, "search", "cannot", "upload images", *how) == (out, err)
    assert out.splitlines()[0][6:].startswith(incident)
    assert err == ""
    assert Path("chroma_db").exists() == (not how)


def test_incidents_are_found_by_the_logs_of_a_new_one(
    incident: str, report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(capsys, "search", "--report", str(report), "--fast")[0].startswith(f"1.00  {incident}")


def test_top_k_limits_both_searches(incident: str, report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = json.loads(Path("incidents", f"{incident}.json").read_text()) | {"id": "other"}
    Path("incidents", "other.json").write_text(json.dumps(other))
    for how in (["--query", "images uploaded"], ["--report", str(report)]):
        for most in (1, 2):
            out = answer(capsys, "search", *how, "--fast", "--top-k", str(most))[0]
            assert sum(not line.startswith(" ") for line in out.splitlines()) == most


@pytest.mark.usefixtures("workplace")
def test_a_search_needs_one_of_both_and_may_find_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ([], ["--query", "x", "--report", "y"], ["x", "--query", "x"]):
        assert "give one of both" in answer(capsys, "search", *wrong, code=2)[1]
    assert "empty" in answer(capsys, "search", "--query", " ", "--fast", code=2)[1]
    assert answer(capsys, "search", "--query", "x", "--fast")[1] == "No incident in incidents is like this.\n"


def test_an_incident_is_forgotten_only_if_somebody_agrees(incident: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "add --yes" in answer(capsys, "delete", incident, code=2)[1]
    assert answer(capsys, "delete", incident, "--yes")[0] == f"{incident} removed from incidents.\n"
    assert "There is no incident" in answer(capsys, "delete", incident, "--yes", code=2)[1]


def test_incidents_travel_in_a_file(incident: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "export", "all.json")[0] == "1 incident of incidents written to all.json.\n"
    answer(capsys, "delete", incident, "--yes")
    assert ": 1 new, 0 changed, 0 as they were, 0 left out." in answer(capsys, "import", "all.json")[0]
    assert ": 0 new, 0 changed, 1 as they were, 0 left out." in answer(capsys, "import", "all.json")[0]
    assert "There is no folder" in answer(capsys, "export", "nowhere/all.json", code=2)[1]


def test_files_that_are_none_are_one_sentence(incident: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("list.json").write_text("[1]")
    Path("cut.json").write_text('{"report_version": "1"')
    Path("empty.json").write_text("{}")
    for wrong in ("list.json", "cut.json", "empty.json", "missing.json"):
        for command in ("add", "import"):
            assert answer(capsys, command, wrong, code=2)[1].startswith("Error: ")
    assert (
        "list.json is no export of incidents: it holds no object." in answer(capsys, "import", "list.json", code=2)[1]
    )
    assert "version is missing" in answer(capsys, "import", "empty.json", code=2)[1]
    assert "keep it with 'openstack-rca incidents add'" in answer(capsys, "import", "report.json", code=2)[1]
    Path("incidents", "damaged.json").write_text("{")
    out, err = answer(capsys, "list")
    assert incident in out
    assert "incidents/damaged.json was left out: " in err


def test_a_place_that_cannot_be_used_is_one_sentence(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("incidents").write_text("")
    for action in (
        ["list"],
        ["search", "--query", "x", "--fast"],
        ["search", "--report", str(report)],
        ["export", "e"],
    ):
        assert "Error: The incidents in incidents cannot be read: Not a directory.\n" in answer(capsys, *action, code=2)
    assert answer(capsys, "add", str(report), code=4)[1].startswith("Error: The incident cannot be written to ")
    assert not Path("e").exists()
