"""Incidents of clouds of another build: OVN, Galera, HAProxy; Ceph, libvirt, Open vSwitch; cells, LDAP, syslog; pods; a third lab."""

import pytest
import yaml
from tests.cases import lab

from openstack_rca.correlation import load_topology
from openstack_rca.pipeline import AnalysisRequest, analyze
from openstack_rca.settings import Settings

EXAMPLES = lab.ROOT / "examples"
HIGH_AVAILABILITY, CEPH, CELLS, PODS = "high-availability", "ceph-and-libvirt", "cells-and-syslog", "kubernetes"
THIRD = "third-lab"


@pytest.mark.parametrize("with_baseline", [True, False])
@pytest.mark.parametrize(
    ("deployment", "case"),
    [
        (HIGH_AVAILABILITY, "ovn-northd-paused"),
        (HIGH_AVAILABILITY, "haproxy-server-timeout"),
        (HIGH_AVAILABILITY, "tls-certificate-expired"),
        (HIGH_AVAILABILITY, "galera-two-nodes-killed"),
        (HIGH_AVAILABILITY, "clustercheck-user-dropped"),
        (HIGH_AVAILABILITY, "ip-pool-exhausted"),
        (CEPH, "ceph-two-osds-killed"),
        (CEPH, "ceph-mon-quorum-lost"),
        (CEPH, "ceph-volumes-pool-quota"),
        (CEPH, "cinder-keyring-unreadable"),
        (CEPH, "glance-cephx-read-only"),
        (CEPH, "cmp2-libvirt-secret-old-key"),
        (CEPH, "cmp1-uplink-not-in-bridge"),
        (CEPH, "code-neutron-_bind_devices"),
        (CELLS, "cell2-mq-permissions-cleared"),
        (CELLS, "slapd-certificate-expired"),
        (CELLS, "slapd-hung"),
        (CELLS, "swift-device-full"),
        (CELLS, "cinder-quota-rows-locked"),  # no error anywhere
        (CELLS, "neutron-policy-ports-admin-only"),
        (PODS, "cpu-mode-host-passthrough"),
        (PODS, "image-data-corrupted"),
        (PODS, "l3-agent-killed"),
        (PODS, "neutron-user-disabled"),
        (PODS, "nova-scheduler-unknown-filter"),
        (PODS, "rabbitmq-file-handles"),
        (THIRD, "cinder-policy-attachments"),  # nova is refused, by a rule of cinder's
        (THIRD, "cinder-quota-usages-locked"),  # no error anywhere
        (THIRD, "cores-quota"),  # the quotas of three services were set at once
        (THIRD, "dhcp-agent-exchange"),
        (THIRD, "glance-disk-formats"),  # a 400 since a restart
        (THIRD, "cinder-snapshot-support-off"),
        (THIRD, "neutron-rootwrap-filters"),  # a TypeError is all that the daemon says
        (THIRD, "placement-table-missing"),  # nova repeats what placement answered
    ],
)
def test_the_cause_of_an_incident_of_another_deployment_is_found(
    deployment: str, case: str, with_baseline: bool
) -> None:
    folder = EXAMPLES / deployment
    truth = yaml.safe_load((folder / case / "truth.yaml").read_text())
    healthy = (folder / "baseline-1" / "logs",) if with_baseline else ()
    cause = analyze(
        AnalysisRequest(truth["issue"], (folder / case / "logs",), healthy, fast=True), Settings()
    ).diagnosis.causes[0]
    assert cause.component == load_topology().resolve(truth["root_cause_component"])
    assert (cause.service, cause.type) == (truth["root_cause_service"], truth["root_cause_type"])


@pytest.mark.parametrize("deployment", [HIGH_AVAILABILITY, CEPH, CELLS, PODS, THIRD, "random-mutations"])
def test_another_deployment_in_health_has_no_cause(deployment: str) -> None:
    logs = EXAMPLES / deployment / "baseline-1" / "logs"
    assert analyze(AnalysisRequest("Is anything wrong?", (logs,), (), fast=True), Settings()).diagnosis.inconclusive


@pytest.mark.parametrize(
    "case",
    [
        "nova-get-numa-pagesize-constraint-throw",  # a refusal at INFO, which only the words lead to
        "cinder-volume-create-wrong-param",
        "nova-hard-reboot-missing-param",
        "neutron-security-group-info-for-devices-throw",
        "neutron-get-resources-for-path-prefix-wrong-return",
        "nova-try-deallocate-network-throw",  # its text accuses neutron, the line that differs from every release does not
    ],
)
def test_the_function_of_a_random_mutation_is_found(case: str) -> None:
    folder = EXAMPLES / "random-mutations"
    truth = yaml.safe_load((folder / case / "truth.yaml").read_text())
    request = AnalysisRequest(truth["issue"], (folder / case / "logs",), (folder / "baseline-1" / "logs",), fast=True)
    cause = analyze(request, Settings()).diagnosis.causes[0]
    assert cause.component == truth["root_cause_component"]
    assert cause.code
    assert (cause.code.file, cause.code.function) == (truth["root_cause_file"], truth["root_cause_function"])
