"""Every setting does something: a check for each field of what an analysis reads, and a test that none is forgotten."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tests.cases import lab

from openstack_rca.errors import UsageError
from openstack_rca.pipeline import AnalysisRequest, analyze
from openstack_rca.records import Report
from openstack_rca.settings import SETTINGS_FILE, Analysis, Settings, load_settings, names

VAGUE, CLEAR = "nova-scheduler-down", "cinder-schema-old"


@cache
def report(case: str = VAGUE, **analysis: float) -> Report:
    request = AnalysisRequest(lab.truth(case)["issue"], (lab.logs(case),), fast=True)
    return analyze(request, Settings(analysis=Analysis(**analysis)))


def lines(report: Report) -> list[tuple[str, int]]:
    return [(e.file, e.line) for e in report.diagnosis.evidence]


def max_evidence() -> None:
    assert len(lines(report(max_evidence=4))) == 4 < len(lines(report()))


def max_causes() -> None:
    assert len(report(max_causes=1).diagnosis.causes) == 1 < len(report().diagnosis.causes)


def level_weight() -> None:
    assert report(level_weight=0).inputs.relevant > report().inputs.relevant


def novelty_weight() -> None:
    assert report(novelty_weight=10).inputs.relevant < report().inputs.relevant


def issue_weight() -> None:
    assert report(CLEAR, issue_weight=20).inputs.relevant > report(CLEAR).inputs.relevant


def inconclusive_below() -> None:
    assert report(inconclusive_below=1).diagnosis.inconclusive
    assert not report().diagnosis.inconclusive


EFFECTS: dict[str, Callable[[], None]] = {
    f.__name__: f for f in (max_evidence, max_causes, level_weight, novelty_weight, issue_weight, inconclusive_below)
}


@pytest.mark.parametrize("name", EFFECTS)
def test_changing_the_setting_changes_the_result(name: str) -> None:
    EFFECTS[name]()


def test_no_setting_is_without_a_test_of_its_effect() -> None:
    assert set(EFFECTS) == set(Analysis.model_fields)


def test_every_setting_of_every_section_is_read_somewhere() -> None:
    source = "\n".join(path.read_text() for path in (lab.ROOT / "src").rglob("*.py"))
    sections = {name: field.annotation for name, field in Settings.model_fields.items()}
    names = [*sections, *(n for s in sections.values() if isinstance(s, type) for n in getattr(s, "model_fields", ()))]
    assert [name for name in names if not re.search(rf"\.{name}\b", source)] == []


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in names().items() if not field.description] == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('timezon = "UTC"', "timezon, which is not known; the nearest is timezone."),
        ("[analyis]\nmax_causes = 1", "[analyis], which is not known; the nearest is [analysis]."),
        ("max_causes = 1", "max_causes, which is not known; the nearest is analysis.max_causes."),
        ("[analysis]\nmax_cause = 1", "no setting analysis.max_cause; the nearest is analysis.max_causes."),
        ("[dashboard]\nhosts = 1", "no setting dashboard.hosts; the nearest is dashboard.host."),
        ("timezone = ", "openstack-rca.toml cannot be read"),
        ('timezone = "Mars"', "no time zone 'Mars'"),
    ],
)
def test_a_settings_file_that_makes_no_sense_is_refused(
    content: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(SETTINGS_FILE).write_text(content)
    with pytest.raises(UsageError, match=re.escape(why)):
        load_settings()


def test_a_folder_with_the_name_of_the_settings_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(SETTINGS_FILE).mkdir()
    with pytest.raises(UsageError, match=r"openstack-rca\.toml is a folder"):
        load_settings()


def test_published_names_stand_in_the_file_too_and_the_later_source_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(SETTINGS_FILE).write_text('DATA_DIR = "file"\nmodels_dir = "file"\nincidents_dir = "file"\ntimezone = "UTC"')
    monkeypatch.setenv("MODELS_DIR", "environment")
    monkeypatch.setenv("OPENSTACK_RCA_INCIDENTS_DIR", "environment")
    monkeypatch.setenv("OPENSTACK_RCA_TIMEZONE", "environment")
    Path(".env").write_text("OPENSTACK_RCA_INCIDENTS_DIR=dotenv\nOPENSTACK_RCA_TIMEZONE=dotenv\n")
    told = load_settings(timezone="+02:00")
    assert [str(folder) for folder in (told.data_dir, told.models_dir, told.incidents_dir)] == [
        *("file", "environment", "dotenv")
    ]
    assert told.timezone == "+02:00"
