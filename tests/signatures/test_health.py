from functools import cache
from pathlib import Path

import pytest
import yaml

from openstack_rca.parsing import LogParser
from openstack_rca.records import SignatureHit
from openstack_rca.signatures import Matcher, Signature, load_signatures
from openstack_rca.sources import PathSource

EXAMPLES = Path(__file__).parents[2] / "examples"
INCIDENTS, SERVICES = EXAMPLES / "incidents", EXAMPLES / "more-services"
EXCEPTIONS = yaml.safe_load((Path(__file__).parent / "healthy_exceptions.yaml").read_text())


@cache
def known() -> dict[str, Signature]:
    return {s.id: s for s in load_signatures()}


@cache
def hits(incident: str, folder: Path = INCIDENTS) -> list[SignatureHit]:
    logs = LogParser().parse(PathSource([folder / incident / "logs"]).files())
    return Matcher(known().values()).match(logs.table)


def blamed(incident: str, role: str, folder: Path = INCIDENTS) -> dict[str, str]:
    found = [h for h in hits(incident, folder) if known()[h.signature].role == role]
    return {h.signature: known()[h.signature].type or "" for h in found}


def test_healthy_logs_hold_no_cause_and_only_the_explained_symptoms() -> None:
    assert blamed("baseline-1", "cause") == {}
    found = {(h.signature, h.service) for h in hits("baseline-1") if known()[h.signature].role == "symptom"}
    assert found == {(e["signature"], e["service"]) for e in EXCEPTIONS}
    assert all(len(e["why"]) > 20 for e in EXCEPTIONS)


def test_healthy_logs_of_the_further_services_hold_neither_causes_nor_symptoms() -> None:
    assert blamed("baseline-1", "cause", SERVICES) == blamed("baseline-1", "symptom", SERVICES) == {}


@pytest.mark.parametrize(
    ("incident", "signature"),
    [
        ("barbican-kek-changed", "barbican-secret-undecryptable"),
        ("bind9-stopped", "designate-rndc-unreachable"),
        ("heat-domain-admin-password", "heat-domain-admin-failed"),
        ("ironic-hardware-disabled", "ironic-driver-missing"),
        ("manila-share-driver-error", "manila-lvm-volume-group-missing"),
        ("octavia-ca-passphrase", "octavia-certificate-failed"),
        ("octavia-provider-disabled", "octavia-provider-missing"),
        ("rndc-key-changed", "named-control-refused"),
        ("stack-quota-volumes", "cinder-quota-exceeded"),
    ],
)
def test_each_incident_of_the_further_services_that_a_line_names_is_named(incident: str, signature: str) -> None:
    assert signature in blamed(incident, "cause", SERVICES)


def test_a_quota_of_one_service_is_not_blamed_on_another() -> None:
    assert "neutron-port-quota" not in blamed("stack-quota-volumes", "cause", SERVICES)


@pytest.mark.parametrize(
    ("incident", "signature"),
    [
        ("batch-request-exceeds-ram", "placement-over-capacity"),
        ("cinder-schema-old", "db-unknown-column"),
        ("cinder-volume-down", "cinder-volume-service-down"),
        ("compute-2-killed", "nova-host-not-heard-from"),
        ("compute-ram-exhausted", "nova-no-allocation-candidates"),
        ("conductor-hung", "rabbitmq-client-heartbeat-missed"),
        ("dhcp-agent-down", "neutron-agent-down"),
        ("glance-image-data-missing", "glance-image-data-missing"),
        ("glance-store-full", "glance-store-full"),
        ("image-hypervisor-property", "nova-filter-image"),
        ("instances-disk-full-compute-1", "disk-full"),
        ("mariadb-stopped", "mariadb-shutdown"),
        ("memcached-down", "memcached-unreachable"),
        ("neutron-server-down", "http-peer-refused"),
        ("nova-scheduler-down", "nova-scheduler-no-reply"),
        ("placement-password-scheduler", "placement-credentials-wrong"),
        ("quota-instances", "nova-quota-exceeded"),
        ("rabbitmq-stopped", "rabbitmq-node-stopping"),
    ],
)
def test_each_incident_that_a_line_names_is_named(incident: str, signature: str) -> None:
    assert signature in blamed(incident, "cause")


def test_a_fault_that_no_line_names_gets_no_cause() -> None:
    assert blamed("policy-forbids-create", "cause") == {}


def test_what_a_service_quotes_from_another_does_not_blame_the_service() -> None:
    full = [h for h in hits("instances-disk-full-compute-1") if h.signature == "disk-full"]
    assert {(h.service, h.host) for h in full} == {("nova-compute", "compute-1")}


def test_a_frozen_client_is_named_by_rabbitmq_and_rabbitmq_is_not_blamed_for_it() -> None:
    missed = [h for h in hits("conductor-hung") if h.signature == "rabbitmq-client-heartbeat-missed"]
    assert {h.captured["service"] for h in missed} == {"nova-conductor"}
    assert "amqp-server-unreachable" not in blamed("conductor-hung", "cause")
