"""What must not matter: where the lines lie, what else is loud at another hour, what DEBUG lines say."""

import gzip
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from tests.cases import lab

from openstack_rca.pipeline import AnalysisRequest, analysis, analyze
from openstack_rca.records import Cause, Logs, Report
from openstack_rca.reporting import report_to_markdown
from openstack_rca.settings import Settings


def run(case: str, *logs: Path, baseline: bool = True) -> Report:
    healthy = (lab.BASELINE,) if baseline else ()
    return analyze(AnalysisRequest(lab.truth(case)["issue"], logs, healthy, fast=True), Settings())


def summary(cause: Cause) -> tuple[str, str | None, str]:
    return cause.component, cause.host, cause.type


def copy(case: str, target: Path, change: Callable[[bytes], bytes] = lambda text: text, prefix: str = "") -> Path:
    target.mkdir(exist_ok=True)
    for source in lab.logs(case).iterdir():
        (target / f"{prefix}{source.stem}").write_bytes(change(gzip.decompress(source.read_bytes())))
    return target


ISSUE = "Servers fail to start"


def test_healthy_logs_accuse_nobody() -> None:
    report = analyze(AnalysisRequest(ISSUE, (lab.BASELINE,), (lab.BASELINE,), fast=True), Settings())
    assert report.diagnosis.inconclusive
    assert all(c.confidence <= 0.2 for c in report.diagnosis.causes)
    assert report.severity == "low"
    assert not report.patterns


def test_healthy_logs_without_errors_accuse_nobody_even_without_a_baseline() -> None:
    quiet = [f for f in lab.BASELINE.iterdir() if not f.name.startswith(("neutron", "nova-compute", "rabbitmq"))]
    assert analyze(AnalysisRequest(ISSUE, tuple(quiet), fast=True), Settings()).diagnosis.inconclusive


def test_the_everyday_errors_of_health_convince_nobody_without_a_baseline() -> None:
    diagnosis = analyze(AnalysisRequest(ISSUE, (lab.BASELINE,), fast=True), Settings()).diagnosis
    assert diagnosis.inconclusive or diagnosis.causes[0].confidence < 0.6
    assert analyze(AnalysisRequest("Is anything wrong?", (lab.BASELINE,), fast=True), Settings()).diagnosis.inconclusive


@pytest.mark.parametrize("case", ["nova-scheduler-down", "instances-disk-full-compute-1"])
def test_the_order_of_files_and_their_packing_do_not_matter(case: str, tmp_path: Path) -> None:
    plain = copy(case, tmp_path / "plain")
    files = sorted(plain.iterdir(), reverse=True)
    packed = shutil.make_archive(str(tmp_path / "packed"), "gztar", plain)
    expected = lab.report(case)
    for other in (run(case, *files), run(case, Path(packed))):
        assert [summary(c) for c in other.diagnosis.causes] == [summary(c) for c in expected.diagnosis.causes]
        assert sorted(e.text for e in other.diagnosis.evidence) == sorted(e.text for e in expected.diagnosis.evidence)


TASK = (
    "DEBUG oslo_service.periodic_task [-] Running periodic task {} "
    "run_periodic_tasks /usr/lib/python3/dist-packages/oslo_service/periodic_task.py:210"
)


def with_debug(text: bytes) -> bytes:
    """Add a DEBUG line after each fifth oslo line, as a service at debug level writes them."""
    lines = []
    for number, line in enumerate(text.decode().splitlines()):
        lines.append(line)
        if number % 5 == 0 and " INFO " in line[:60] and line[:4] == "2026":
            lines.append(f"{line[:23]} {line.split()[2]} {TASK.format(number)}")
    return "\n".join(lines).encode() + b"\n"


@pytest.mark.parametrize("case", ["nova-scheduler-down", "cinder-schema-old"])
def test_debug_lines_do_not_change_the_first_cause(case: str, tmp_path: Path) -> None:
    loud = run(case, copy(case, tmp_path / "loud", with_debug), baseline=False)
    assert loud.inputs.lines > lab.truth(case)["log_lines"]
    assert summary(loud.diagnosis.causes[0]) == summary(lab.report(case, with_baseline=False).diagnosis.causes[0])


def hours_later(text: bytes) -> bytes:
    return text.replace(b"2026-11-22 ", b"2026-11-21 ")


@pytest.mark.parametrize(
    ("case", "distractor"),
    [("glance-image-data-missing", "cinder-schema-old"), ("cinder-schema-old", "instances-disk-full-compute-1")],
)
def test_an_outage_of_another_day_does_not_change_the_first_cause(case: str, distractor: str, tmp_path: Path) -> None:
    copy(case, tmp_path / "mixed")
    mixed = copy(distractor, tmp_path / "mixed", hours_later, prefix="old-")
    assert summary(run(case, mixed).diagnosis.causes[0]) == summary(lab.report(case).diagnosis.causes[0])


def days_earlier(days: int) -> Callable[[bytes], bytes]:
    return lambda text: text.replace(b"2026-11-22 ", f"2026-11-{22 - days} ".encode())


@pytest.fixture(scope="module")
def three_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs of three days with an incident each, and the healthy stretch of the first."""
    folder = tmp_path_factory.mktemp("three-days")
    incidents = ["cinder-schema-old", "glance-image-data-missing", "nova-scheduler-down"]
    for days, case in zip((2, 1, 0), incidents, strict=True):
        for source in lab.logs(case).iterdir():
            with (folder / source.stem).open("ab") as log:
                log.write(days_earlier(days)(gzip.decompress(source.read_bytes())))
    return folder


@pytest.mark.parametrize("baseline", [True, False])
@pytest.mark.parametrize(
    ("issue", "component"),
    [
        ("New servers hang in BUILD and then go to ERROR", "nova-scheduler"),
        ("Creating volumes fails with HTTP 500", "cinder-api"),
        ("Servers did not start on 2026-11-21", "glance-api"),
        ("On 2026-11-20 at 10:22 something went wrong", "cinder-api"),
        ("Server 1eda8f3a-62f8-4b7b-8f69-6121176fccf0 went to ERROR", "glance-api"),
    ],
)
def test_of_several_days_the_last_with_such_a_failure_is_meant_or_the_one_that_is_named(
    issue: str, component: str, baseline: bool, three_days: Path
) -> None:
    healthy = (lab.BASELINE,) if baseline else ()
    report = analyze(AnalysisRequest(issue, (three_days,), healthy, fast=True), Settings())
    day = {"nova-scheduler": 22, "glance-api": 21, "cinder-api": 20}[component]
    assert report.diagnosis.causes[0].component == component
    assert {e.time.day for e in report.diagnosis.evidence if e.time} == {day}
    about, others = report.part.split("others began at")
    assert f"2026-11-{day}" in about
    assert all(f"2026-11-{other}" in others for other in {20, 21, 22} - {day})
    assert report.part in report_to_markdown(report).split("## Evidence")[0]


def test_a_quiet_end_after_the_only_incident_leaves_no_choice(tmp_path: Path) -> None:
    case = "nova-scheduler-down"
    copy(case, tmp_path / "logs")
    late = "2026-11-22 11:00:00.000 1 INFO nova.compute.manager [-] Running periodic task\n"
    (tmp_path / "logs" / "nova-compute-later.log").write_text(late)
    report = run(case, tmp_path / "logs")
    assert not report.part
    assert report.diagnosis.causes[0].component == "nova-scheduler"


def test_files_without_any_time_take_no_part_where_there_are_several_and_that_is_told(
    three_days: Path, tmp_path: Path
) -> None:
    shutil.copytree(three_days, tmp_path / "logs")
    (tmp_path / "logs" / "nova-api-stdout.log").write_text("ERROR nova.api.wsgi [-] Unexpected exception\n" * 3)
    report = analyze(AnalysisRequest("New servers go to ERROR", (tmp_path / "logs",), fast=True), Settings())
    assert report.part.endswith("3 records of files without any time took no part.")
    assert all(e.time for e in report.diagnosis.evidence)


def test_a_window_with_both_ends_is_taken_as_it_is(three_days: Path) -> None:
    window = {"since": datetime(2026, 11, 20), "until": datetime(2026, 11, 23)}
    report = analyze(AnalysisRequest("Servers fail", (three_days,), (lab.BASELINE,), fast=True, **window), Settings())
    assert not report.part
    assert len({e.time.day for e in report.diagnosis.evidence if e.time}) > 1


def test_a_window_of_time_leaves_the_other_day_out(tmp_path: Path) -> None:
    case = "rabbitmq-stopped"
    copy(case, tmp_path / "mixed")
    mixed = copy("mariadb-stopped", tmp_path / "mixed", hours_later, prefix="old-")
    issue = lab.truth(case)["issue"]
    report = analyze(
        AnalysisRequest(issue, (mixed,), (lab.BASELINE,), fast=True, since=datetime(2026, 11, 22)), Settings()
    )
    assert report.diagnosis.causes[0].component == "rabbitmq"
    assert all(e.time is None or e.time >= datetime(2026, 11, 22) for e in report.diagnosis.evidence)


def test_logs_without_any_time_are_analysed_too(tmp_path: Path) -> None:
    def timeless(text: bytes) -> bytes:
        return re.sub(rb"(?m)^2026-\d\d-\d\d [\d:.]+ \d+ ", b"", text)

    copy("instances-disk-full-compute-1", tmp_path / "timeless", timeless)
    for log in (tmp_path / "timeless").iterdir():
        if not log.name.startswith("nova-compute"):
            log.unlink()
    report = run("instances-disk-full-compute-1", tmp_path / "timeless", baseline=False)
    assert (report.diagnosis.causes[0].component, report.diagnosis.causes[0].host) == ("nova-compute", "compute-1")
    assert all(e.time is None for e in report.diagnosis.evidence)


def test_the_same_logs_give_the_same_report() -> None:
    case = "quota-instances"
    again, first = run(case, lab.logs(case)), lab.report(case)
    assert again.diagnosis == first.diagnosis
    assert again.patterns == first.patterns


@pytest.mark.parametrize(
    ("issue", "component"),
    [
        ("New servers go to ERROR since 08:48", "nova-scheduler"),
        ("New servers go to ERROR since 08:58", "glance-api"),
        ("Server 1eda8f3a-62f8-4b7b-8f69-6121176fccf0 went to ERROR", "glance-api"),
    ],
)
def test_of_two_incidents_the_one_that_was_asked_about_leads(issue: str, component: str) -> None:
    both = (lab.logs("nova-scheduler-down"), lab.logs("glance-image-data-missing"))
    report = analyze(AnalysisRequest(issue, both, (lab.BASELINE,), fast=True), Settings())
    assert report.diagnosis.causes[0].component == component


@pytest.mark.parametrize("seconds", [-90, 900])
def test_a_host_with_a_wrong_clock_is_told_and_changes_no_cause(seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case, read = "instances-disk-full-compute-1", analysis.read_logs

    def shifted(paths: tuple[Path, ...], settings: Settings) -> Logs:
        logs = read(paths, settings)
        wrong = (
            pl.when(pl.col("host") == "compute-1").then(pl.duration(seconds=seconds)).otherwise(pl.duration(seconds=0))
        )
        return (
            replace(logs, table=logs.table.with_columns(time=pl.col("time") + wrong))
            if paths != (lab.BASELINE,)
            else logs
        )

    monkeypatch.setattr(analysis, "read_logs", shifted)
    report = run(case, lab.logs(case))
    assert "The clock of compute-1 is" in report.notes[0]
    assert summary(report.diagnosis.causes[0]) == summary(lab.report(case).diagnosis.causes[0])
