from dataclasses import replace

import pytest
from tests.cases import lab

from openstack_rca.pipeline.summary import _CATEGORIES
from openstack_rca.records import Report
from openstack_rca.reporting.schema import report_from_dict, report_to_dict

TYPES = {
    "service-down", "dependency-unreachable", "resource-exhaustion", "misconfiguration", "auth-failure", "quota",
    "timeout", "network", "storage", "data-corruption", "bug",
}  # fmt: skip


@pytest.fixture(scope="module")
def report() -> Report:
    return lab.report("rabbitmq-stopped")


def test_every_type_has_a_category() -> None:
    assert set(_CATEGORIES) == TYPES


def test_a_broker_that_is_down_is_critical(report: Report) -> None:
    assert report.severity == "critical"
    assert report.category == "Service Availability"


def test_a_single_refusal_is_not() -> None:
    assert lab.report("quota-instances").severity in ("low", "medium")


def test_counts_by_service_add_up(report: Report) -> None:
    table = lab.table("rabbitmq-stopped")
    counts = report.service_distribution
    assert sum(c.lines for c in counts.values()) == table.height
    assert sum(c.errors for c in counts.values()) == table.filter(table["level"] >= "ERROR").height
    assert sum(c.relevant for c in counts.values()) == report.inputs.relevant
    assert counts["nova-compute"].errors > 0


def test_the_zone_of_each_file_is_told(report: Report) -> None:
    assert report.inputs.zones["rabbitmq.log.gz"] == "UTC"
    assert report.inputs.zones["nova-api.log.gz"] == "assumed UTC"
    assert len(report.inputs.zones) == report.inputs.files


def test_stages_are_timed_and_progress_told(report: Report) -> None:
    assert {"read", "templates", "correlate", "diagnose"} <= set(report.seconds_by_stage)


def test_a_report_survives_being_stored(report: Report) -> None:
    stored = report_from_dict(report_to_dict(report))
    assert replace(stored, created_at=report.created_at) == report
