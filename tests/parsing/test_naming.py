import pytest
from tests.parsing.texts import Memory, parse, row

from openstack_rca.parsing.naming import load_programs, place_of, program

OSLO = "2026-11-22 09:00:00.000 7 INFO {} [-] {}\n"


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("nova/nova-compute.log", "nova-compute"),
        ("nova-compute-1.log.gz", "nova-compute"),
        ("var/log/kolla/nova/nova-compute.log.1", "nova-compute"),
        ("neutron/server.log.gz", "neutron-server"),
        ("neutron/openvswitch-agent.log", "neutron-openvswitch-agent"),
        ("neutron/dhcp-agent.log", "neutron-dhcp-agent"),
        ("glance/api.log", "glance-api"),
        ("cinder/volume.log", "cinder-volume"),
        ("nova/nova-placement-api.log", "placement-api"),
        ("placement-api-uwsgi.log", "placement-api"),
        ("keystone-uwsgi.log", "keystone"),
        ("kolla/keystone/keystone-apache-public-access.log", "keystone"),
        ("kolla/keystone/keystone-apache-public-error.log", "keystone"),
        ("kolla/rabbitmq/rabbit@ctl-1.log", "rabbitmq"),
        ("kolla/mariadb/mariadb.log", "mariadb"),
        ("kolla/openvswitch/ovn-nb-db.log", "ovsdb-server-nb"),
        ("var/log/libvirt/qemu/instance-00000001.log", "qemu"),
        ("screen-n-cpu.txt", "nova-compute"),
        ("screen-q-svc.txt.gz", "neutron-server"),
        ("devstack@n-sch.service.log", "nova-scheduler"),
        ("var/log/containers/httpd/placement/placement_wsgi_error.log", "placement-api"),
        ("apache2/placement_error.log", "placement-api"),
        ("apache2/error.log", "httpd"),
        ("var/log/ceph/ceph-osd.3.log", "ceph-osd"),
        ("heat/heat-engine.log-20261122.gz", "heat-engine"),
        ("pods/openstack_ingress-lnvvr_3fdb04db/ingress/0.log.gz", "nginx"),
        ("pods/openstack_nova-compute-default-4l2bq_3fdb04db/nova-compute/12.log", "nova-compute"),
        ("nova/nova-cells.log", "nova-cells"),
        ("neutron/lbaasv2-agent.log", "neutron-lbaasv2-agent"),
        ("designate/pool-manager.log", "designate-worker"),
        ("ceilometer/central.log", "ceilometer-polling"),
        ("kolla/neutron/neutron-periodic-workers.log", "neutron-server"),
        ("kolla/heat/heat-wsgi-api-cfn.log", "heat-api-cfn"),
        ("syslog", None),
        ("sos_commands/logs/journalctl_--no-pager", None),
    ],
)
def test_the_path_tells_the_program(path, service):
    assert place_of(path).service == service


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("sosreport-compute4-2022-02-10/var/log/nova/nova-compute.log", "compute4"),
        ("sosreport-compute4-2022-02-10.tar.xz/sosreport-compute4-2022-02-10/var/log/syslog", "compute4"),
        ("sosreport-ctl-1-0012345-2022-02-10-abcdefg/var/log/syslog", "ctl-1"),
        ("node17/var/log/kolla/nova/nova-api.log", "node17"),
        ("controller-0/nova/nova-api.log", "controller-0"),
        ("compute-1.internalapi.local/nova/nova-compute.log", "compute-1.internalapi.local"),
        ("compute-2-killed/logs/nova-api.log", None),
        ("logs/nova/nova-api.log", None),
        ("logs/var/log/nova/nova-api.log", None),
        ("kolla/rabbitmq/rabbit@ctl-1.log", "ctl-1"),
    ],
)
def test_the_path_tells_the_host_or_nothing(path, host):
    assert place_of(path).host == host


def test_programs_are_known_by_their_other_names():
    assert program("devstack@n-cpu.service") == "nova-compute"
    assert program("nova_compute") == "nova-compute"
    assert program("Keepalived_vrrp") == "keepalived"
    assert program("somethingelse") == "somethingelse"
    assert program("nova-api.log.1.2017-05-16_13:53:08") == "nova-api"


def test_no_name_belongs_to_two_programs():
    known = load_programs()
    assert all(known.aliases[name.lower()] == name for name in set(known.aliases.values()))


def test_a_file_whose_name_says_nothing_is_known_by_its_loggers():
    text = OSLO.format("nova.virt.libvirt.driver", "x") * 2 + OSLO.format("oslo_service.x", "y")
    assert set(parse(text, name="sample.log").table["service"]) == {"nova-compute"}


@pytest.mark.parametrize(
    ("logger", "service"),
    [
        ("nova.api.openstack.placement.handlers.allocation", "placement-api"),
        ("neutron.plugins.ml2.drivers.agent._common_agent", "neutron-linuxbridge-agent"),
        ("neutron.plugins.ml2.managers", "neutron-server"),
        ("networking_ovn.agent.metadata.agent", "neutron-ovn-metadata-agent"),
        ("glance.registry.api.v1.images", "glance-registry"),
        ("designate.pool_manager.service", "designate-worker"),
        ("ceilometer.agent.manager", "ceilometer-polling"),
    ],
)
def test_loggers_of_old_releases_tell_their_programs(logger, service):
    assert set(parse(OSLO.format(logger, "x"), name="sample.log").table["service"]) == {service}


def test_a_compute_names_its_own_host():
    text = OSLO.format("nova.compute.claims", "[instance: x] Claim successful on node compute-7")
    logs = parse(text + OSLO.format("nova.x", "y"), name="nova/nova-compute.log")
    assert logs.table["host"].to_list() == ["compute-7"] * 2


def test_an_api_that_speaks_of_a_compute_does_not_run_there():
    assert row(OSLO.format("nova.api", "Claim successful on node compute-7"), name="nova-api.log")["host"] is None


def hosts(*files: tuple[str, str]) -> list[str | None]:
    lines = [text if text.startswith("Nov ") else OSLO.format("x.y", text) for _, text in files]
    logs = parse(*(Memory(f"{line.strip()}\n".encode(), name) for line, (name, _) in zip(lines, files, strict=True)))
    return logs.table["host"].to_list()


def test_a_folder_that_is_called_like_a_host_that_a_line_states_is_that_host():
    syslog = ("infra1/syslog", "Nov 22 09:00:00 infra1 kernel: x")
    claim = ("logs/cmp-a1/nova-compute.log", "Claim successful on node cmp-a1.example.org")
    names = ["infra1/nova-api.log", "logs/cmp-a1/neutron/agent.log", "infra2/nova-api.log"]
    assert hosts(*((name, "x") for name in names)) == [None] * 3
    assert hosts(syslog, claim, *((name, "x") for name in names))[2:] == ["infra1", "cmp-a1.example.org", None]


def test_the_end_of_a_file_name_is_completed_by_hosts_that_others_name():
    server = ("neutron-server.log", "Type: agent, host: compute-2, heartbeat")
    assert hosts(server, ("neutron-linuxbridge-agent-2.log", "x")) == [None, "compute-2"]
    assert hosts(server, ("neutron-linuxbridge-agent-3.log", "x")) == [None, None]
    named = ("nova-api.log", "AMQP server on controller:5672 is unreachable")
    assert hosts(named, ("neutron-linuxbridge-agent-controller.log", "x")) == [None, "controller"]


def test_the_end_of_a_file_name_that_fits_two_hosts_says_nothing():
    server = ("neutron-server.log", "on host compute-2, on host network-2")
    assert hosts(server, ("neutron-linuxbridge-agent-2.log", "x")) == [None, None]


def test_numbered_files_are_named_like_their_siblings():
    claim = "Claim successful on node cmp-1"
    assert hosts(("nova-compute-1.log", claim), ("nova-compute-2.log", "x")) == ["cmp-1", "cmp-2"]
    assert hosts(("nova-compute-1.log", claim), ("nova-compute-b.log", "x")) == ["cmp-1", None]
    odd = ("nova-compute-5.log", "Claim successful on node other")
    assert hosts(("nova-compute-1.log", claim), odd, ("nova-compute-2.log", "x")) == ["cmp-1", "other", None]
