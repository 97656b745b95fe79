import jsonschema
import pytest
import yaml
from tests.cases import lab

from openstack_rca.correlation import load_topology
from openstack_rca.pipeline import AnalysisRequest, analyze
from openstack_rca.records import Report
from openstack_rca.reporting import report_schema, report_to_dict
from openstack_rca.settings import Settings

SERVICES = lab.ROOT / "examples" / "more-services"
BASELINE = SERVICES / "baseline-1" / "logs"


def report_on(case: str, with_baseline: bool) -> Report:
    truth = yaml.safe_load((SERVICES / case / "truth.yaml").read_text())
    baseline = (BASELINE,) if with_baseline else ()
    return analyze(AnalysisRequest(truth["issue"], (SERVICES / case / "logs",), baseline, fast=True), Settings())


@pytest.mark.parametrize("with_baseline", [True, False])
@pytest.mark.parametrize(
    ("case", "component", "kind", "affected"),
    [
        ("bind9-stopped", "named", "service-down", "designate-worker"),
        ("barbican-kek-changed", "barbican-api", "misconfiguration", "barbican-api"),
        ("manila-backend-renamed", "manila-share", "misconfiguration", "manila-scheduler"),
        ("neutron-server-killed", "neutron-server", "service-down", "neutron-dhcp-agent"),
        ("recordset-quota", "designate-api", "quota", "designate-api"),
    ],
)
def test_the_cause_of_an_incident_of_the_further_services_is_found(
    case: str, component: str, kind: str, affected: str, with_baseline: bool
) -> None:
    report = report_on(case, with_baseline)
    cause = report.diagnosis.causes[0]
    assert (cause.component, cause.type) == (component, kind)
    assert cause.service == load_topology().family(component)
    assert affected in report.affected_services
    jsonschema.validate(report_to_dict(report), report_schema(), cls=jsonschema.Draft202012Validator)


def test_the_further_services_in_health_have_no_cause() -> None:
    report = analyze(AnalysisRequest("Is anything wrong?", (BASELINE,), (), fast=True), Settings())
    assert report.diagnosis.inconclusive
