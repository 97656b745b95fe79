from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import yaml
from tests.cases import lab

from openstack_rca.pipeline import evaluate
from openstack_rca.pipeline.evaluation import _decisive, _recall, false_citations, judge
from openstack_rca.records import Evidence, Report
from openstack_rca.settings import Settings

CASE = "glance-image-data-missing"
ANSWER: dict[str, str | None] = {
    "service": "nova", "component": "nova-compute", "type": "storage",
    "host": "c1", "file": "nova/a.py", "function": "f",
}  # fmt: skip


def test_only_what_the_truth_names_isjudged() -> None:
    judged = judge({"root_cause_component": "nova-scheduler"}, [ANSWER])
    assert judged["service@1"] is True
    assert judged["component@1"] is False
    assert judged["type@1"] is judged["host@1"] is judged["file@1"] is None
    assert set(judge({}, [ANSWER]).values()) == {None}


def test_a_component_may_go_by_another_of_its_names() -> None:
    judged = judge({"root_cause_component": "bind9"}, [ANSWER | {"component": "named", "service": "dns"}])
    assert judged["component@1"] is judged["service@1"] is True


def test_a_later_answer_counts_at_3_only() -> None:
    other = ANSWER | {"component": "glance-api", "service": "glance"}
    truth = {"root_cause_component": "nova-compute", "root_cause_type": "storage"}
    judged = judge(truth, [other, other, ANSWER])
    assert (judged["component@1"], judged["component@3"]) == (False, True)
    assert judge(truth, [other] * 3 + [ANSWER])["component@3"] is False
    assert judge(truth, [])["component@1"] is False


def test_a_host_isjudged_only_where_a_program_runs_on_many() -> None:
    assert judge({"root_cause_component": "nova-compute", "root_cause_host": "c2"}, [ANSWER])["host@1"] is False
    assert judge({"root_cause_component": "nova-api", "root_cause_host": "c2"}, [ANSWER])["host@1"] is None


def test_code_isjudged_by_file_and_function() -> None:
    judged = judge({"root_cause_file": "nova/a.py", "root_cause_function": "g"}, [ANSWER])
    assert (judged["file@1"], judged["function@1"]) == (True, False)


def test_recall_counts_wanted_lines_by_file_and_text() -> None:
    def shown(file: str, text: str) -> Evidence:
        return Evidence("E1", file, 1, None, "x", None, "ERROR", text, "why")

    wanted = [
        {"file": "nova-api.log", "line_regex": r"status: 5\d\d"},
        {"file": "rabbitmq.log", "line_regex": "closing"},
    ]
    assert _recall(wanted, [shown("logs/nova-api.log.gz", "GET / status: 503")]) == (1, 2)
    assert _recall(wanted, [shown("nova-compute.log", "status: 503 closing")]) == (0, 2)
    assert _recall([], []) == (0, 0)


@pytest.fixture(scope="module")
def report() -> Report:
    return lab.report(CASE)


def altered(report: Report, **changes: object) -> Report:
    first, *rest = report.diagnosis.evidence
    return replace(report, diagnosis=replace(report.diagnosis, evidence=(replace(first, **changes), *rest)))  # type: ignore[arg-type]


def test_true_citations_are_none_of_the_false_ones(report: Report) -> None:
    assert report.diagnosis.evidence
    assert false_citations(report, lab.logs(CASE)) == 0


@pytest.mark.parametrize(
    "change",
    [{"line": 2}, {"line": 10**6}, {"text": "ERROR nothing of the kind"}, {"file": "other.log"}],
    ids=["another line", "beyond the end", "another text", "no such file"],
)
def test_a_line_that_does_not_stand_there_is_a_false_citation(report: Report, change: dict[str, object]) -> None:
    assert false_citations(altered(report, **change), lab.logs(CASE)) == 1


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real incidents: one with its truth, one that tells only what users saw."""
    folder = tmp_path_factory.mktemp("cases")
    for case, known in ((CASE, True), ("placement-password-scheduler", False)):
        (folder / case).mkdir()
        (folder / case / "logs").symlink_to(lab.logs(case))
        truth = lab.truth(case) if known else {k: lab.truth(case)[k] for k in ("id", "issue")}
        (folder / case / "truth.yaml").write_text(yaml.safe_dump(truth))
    return folder


def test_scores_stand_beside_those_of_the_trivial_rules(cases: Path) -> None:
    seen: list[str] = []
    result = evaluate(cases, Settings(), lab.BASELINE, progress=seen.append)
    assert seen == [CASE, "placement-password-scheduler"]
    assert result.cases == 2
    assert result.scores["component@1"] == 1.0
    assert result.scores["false citations"] == 0
    assert "host@1" not in result.scores
    assert {"first ERROR", "most frequent service"} <= set(result.baselines)
    told, untold = result.rows
    assert told["evidence_wanted"] == len(lab.truth(CASE)["evidence"])
    assert untold["component@1"] is None


def test_how_sure_it_was_stands_beside_how_often_it_was_right(cases: Path) -> None:
    result = evaluate(cases, Settings(), lab.BASELINE)
    assert sum(number for _, _, number in result.reliability) == 1  # the other case names no truth to be judged on
    ((stated, right, _),) = result.reliability
    assert stated == result.rows[0]["confidence"]
    assert right == 1.0


def test_what_is_left_out_changes_what_is_seen(cases: Path) -> None:
    with_all = evaluate(cases, Settings(), lab.BASELINE)
    errors_only = evaluate(cases, Settings(), lab.BASELINE, level="ERROR")
    assert errors_only.rows[0]["evidence_found"] < with_all.rows[0]["evidence_found"]


def test_without_health_to_compare_with_it_is_less_sure(tmp_path: Path) -> None:
    (tmp_path / "quota-instances").symlink_to(lab.logs("quota-instances").parent)
    with_health, alone = (evaluate(tmp_path, Settings(), lab.BASELINE, alone=alone) for alone in (False, True))
    assert alone.rows[0]["confidence"] < with_health.rows[0]["confidence"] - 0.02


def test_a_decisive_record_is_one_that_names_the_faulty_file() -> None:
    table = pl.DataFrame(
        {"file": ["a.log", "a.log"], "line": [1, 5], "lines": [1, 4], "message": ["fine", "boom"],
         "detail": [None, 'File "/usr/lib/python3/dist-packages/nova/a.py", line 3, in go']}
    )  # fmt: skip
    truth = {"root_cause_file": "nova/a.py"}

    def cited(line: int) -> list[Evidence]:
        return [Evidence("E1", "a.log.gz", line, None, "x", None, "ERROR", "text", "why")]

    assert _decisive(truth, cited(7), table) is True
    assert _decisive(truth, cited(1), table) is False
    assert _decisive({"root_cause_file": "nova/b.py"}, cited(7), table) is None
    assert _decisive({}, cited(7), table) is None


def test_remembered_incidents_take_part_only_when_asked(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def recalled(report: Report, settings: Settings) -> Report:
        asked.append(settings.rag.max_historical_context)
        return report

    monkeypatch.setattr("openstack_rca.pipeline.analysis.recall", recalled)
    for memory in (False, True):
        evaluate(cases / CASE, Settings(incidents_dir=tmp_path), lab.BASELINE, memory=memory)
    assert asked == [0, Settings().rag.max_historical_context]
