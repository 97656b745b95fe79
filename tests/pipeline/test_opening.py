from dataclasses import replace

import pytest
from tests.cases import lab

from openstack_rca.diagnosis import Case
from openstack_rca.pipeline import AnalysisRequest
from openstack_rca.pipeline.analysis import Stopwatch, prepare
from openstack_rca.pipeline.opening import open_case
from openstack_rca.records import Report
from openstack_rca.settings import Settings

PART, QUESTION, NOTE = "These logs hold several times of trouble.", "Which host was it?", "A clock is wrong."


@pytest.mark.parametrize(("inconclusive", "title"), [(True, "What is missing:"), (False, "Still open:")])
def test_the_summary_says_what_it_is_about_what_is_missing_and_what_to_know(
    inconclusive: bool, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubtful(request: AnalysisRequest, settings: Settings, watch: Stopwatch) -> tuple[Case, Report]:
        case, report = prepare(request, settings, watch)
        diagnosis = replace(report.diagnosis, inconclusive=inconclusive, open_questions=(QUESTION,))
        return case, replace(report, part=PART, notes=(NOTE,), diagnosis=diagnosis)

    monkeypatch.setattr("openstack_rca.pipeline.opening.prepare", doubtful)
    request = AnalysisRequest("New servers go to ERROR", (lab.logs("nova-scheduler-down"),), fast=True)
    told = open_case(request, Settings()).summary
    assert f"\n{PART}\n{title}\n{QUESTION}\nEvidence:\nE1 " in told
    assert told.endswith(f"\nNotes:\n{NOTE}")
