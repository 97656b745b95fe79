import json
from datetime import datetime
from pathlib import Path

import pytest
from tests.reporting.sample import sample_report

from openstack_rca import pipeline
from openstack_rca.cli import run
from openstack_rca.records import Report
from openstack_rca.reporting import FORMATS, report_from_dict, report_to_text
from openstack_rca.settings import Settings

INCIDENT = Path(__file__).parents[2] / "examples" / "incidents" / "nova-scheduler-down"


class FakePipeline:
    """Stands in for the analysis: keeps what it was asked for, answers with the sample report."""

    def __init__(self) -> None:
        self.request: pipeline.AnalysisRequest
        self.settings: Settings

    def analyze(self, request: pipeline.AnalysisRequest, settings: Settings, progress: object, heard: object) -> Report:
        self.request, self.settings = request, settings
        return sample_report()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakePipeline:
    fake = FakePipeline()
    monkeypatch.setattr(pipeline, "analyze", fake.analyze)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return fake


def test_flags_reach_the_request(fake: FakePipeline) -> None:
    flags = "--logs a --logs b.tar.xz --baseline good --fast --timezone Europe/Paris --no-llm"
    times = ["--since", "2026-11-22 09:48", "--until", "2026-11-22T12:00:00+03:00"]
    assert run(["analyze", "--issue", " servers fail ", *flags.split(), *times]) == 0
    assert fake.request == pipeline.AnalysisRequest(
        issue="servers fail",
        logs=(Path("a"), Path("b.tar.xz")),
        baseline=(Path("good"),),
        fast=True,
        llm=False,
        since=datetime(2026, 11, 22, 8, 48),
        until=datetime(2026, 11, 22, 9, 0),
    )
    assert fake.settings.timezone == "Europe/Paris"


@pytest.mark.parametrize(
    ("zone", "utc"), [("UTC", "09:30"), ("+02:00", "07:30"), ("-05:30", "15:00"), ("Asia/Tokyo", "00:30")]
)
def test_times_without_zone_are_read_in_the_timezone(fake: FakePipeline, zone: str, utc: str) -> None:
    assert run(["analyze", "--issue", "x", "--logs", "a", f"--timezone={zone}", "--since", "2026-01-02 09:30"]) == 0
    assert fake.request.since == datetime.fromisoformat(f"2026-01-02 {utc}")


def test_logs_default_to_the_data_folder(fake: FakePipeline, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    assert run(["analyze", "--issue", "x"]) == 0
    assert fake.request.logs == (Path("logs"),)


def test_issue_that_is_not_utf8_is_made_so(fake: FakePipeline) -> None:
    assert run(["analyze", "--issue", "caf\udce9 down", "--logs", "a"]) == 0
    assert fake.request.issue == "caf� down"


@pytest.mark.parametrize("form", FORMATS)
def test_each_form_goes_to_standard_output(fake: FakePipeline, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", "--issue", "x", "--logs", "a", "--format", form]) == 0
    assert capsys.readouterr() == (FORMATS[form](sample_report()), "")


def test_text_is_as_wide_as_the_terminal(
    fake: FakePipeline, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns, width in (("60", 60), ("300", 120)):
        monkeypatch.setenv("COLUMNS", columns)
        assert run(["analyze", "--issue", "x", "--logs", "a"]) == 0
        assert capsys.readouterr().out == report_to_text(sample_report(), width)


def test_output_goes_to_a_file_and_one_line_says_so(fake: FakePipeline, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["analyze", "--issue", "x", "--logs", "a", "--format", "json", "--output", "report.json"]
    for _ in range(2):
        assert run(arguments) == 0
    assert capsys.readouterr() == ("", "The report is in report.json.\n" * 2)
    assert report_from_dict(json.loads(Path("report.json").read_text())) == sample_report()
    assert [path.name for path in Path().iterdir()] == ["report.json"]


def test_a_bundled_incident_is_analysed(capsys: pytest.CaptureFixture[str]) -> None:
    issue = "New servers hang in BUILD for a while and then go to ERROR."
    assert run(["analyze", "--issue", issue, "--logs", str(INCIDENT / "logs"), "--format", "json"]) == 0
    report = report_from_dict(json.loads(capsys.readouterr().out))
    assert report.diagnosis.causes[0].component == "nova-scheduler"
    assert report.diagnosis.causes[0].evidence
