import pytest
from tests.cases import lab

from openstack_rca.correlation import load_topology
from openstack_rca.pipeline.evaluation import _recall, false_citations
from openstack_rca.records import Cause, Report

GRAPH = load_topology()


def check(case: str, report: Report) -> Cause:
    truth = lab.truth(case)
    cause = report.diagnosis.causes[0]
    assert cause.component == truth["root_cause_component"]
    assert cause.service == GRAPH.family(cause.component)
    if GRAPH.is_per_host(cause.component):
        assert cause.host == truth["root_cause_host"]
    assert not report.diagnosis.inconclusive
    assert false_citations(report, lab.logs(case)) == 0
    return cause


@pytest.mark.parametrize("case", lab.DEVELOPMENT)
def test_the_first_cause_is_the_true_one_and_proved(case: str) -> None:
    report = lab.report(case)
    cause = check(case, report)
    truth = lab.truth(case)
    assert cause.type == truth["root_cause_type"]
    found, wanted = _recall(truth["evidence"], report.diagnosis.evidence)
    assert found >= min(2, wanted)
    its_own = [e for e in report.diagnosis.evidence if e.id in cause.evidence]
    assert _recall(truth["evidence"], its_own)[0] >= 1


@pytest.mark.parametrize(
    "case", [c for c in lab.DEVELOPMENT if c not in ("policy-forbids-create", "image-hypervisor-property")]
)
def test_the_component_is_found_without_a_baseline_too(case: str) -> None:
    check(case, lab.report(case, with_baseline=False))


@pytest.mark.parametrize("case", lab.DEVELOPMENT)
def test_a_report_accounts_for_all_that_was_read(case: str) -> None:
    report = lab.report(case)
    assert report.inputs.lines == lab.truth(case)["log_lines"]
    assert not report.inputs.skipped
    assert len(report.diagnosis.evidence) <= 20
    assert sum(c.lines for c in report.service_distribution.values()) == lab.table(case).height
    assert report.affected_services[0] == report.diagnosis.causes[0].component
