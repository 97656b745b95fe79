from collections.abc import Iterator
from typing import Any

import pytest
from tests.correlation.tables import log_table

from openstack_rca.correlation import load_topology, topology, topology_of
from openstack_rca.errors import KnowledgeError
from openstack_rca.knowledge import read
from openstack_rca.reporting import report_schema

GRAPH = load_topology()


def test_steps_count_the_calls_between_two_components() -> None:
    assert GRAPH.depends("nova-conductor", "nova-scheduler") == 1
    assert GRAPH.depends("cinder-scheduler", "ceph") == 2
    assert GRAPH.depends("keystone", "nova-api") is None
    assert GRAPH.depends("nova-api", "nova-api") is None


@pytest.mark.parametrize("shared", ["rabbitmq", "mariadb", "memcached", "keystone"])
def test_every_service_needs_what_is_shared_and_infrastructure_does_not(shared: str) -> None:
    services = [c for c in GRAPH.components if not GRAPH.is_infrastructure(c) and c != shared]
    assert all(GRAPH.depends(c, shared) == 1 for c in services)
    assert GRAPH.depends("libvirtd", shared) is None


@pytest.mark.parametrize(
    ("url", "component", "host"),
    [
        ("http://controller:9696/v2.0/ports", "neutron-server", "controller"),
        ("https://10.0.0.5:5000/v3/auth/tokens", "keystone", "10.0.0.5"),
        ("https://cloud.example.org/compute/v2.1/servers", "nova-api", "cloud.example.org"),
        ("https://cloud.example.org:443/placement/allocation_candidates", "placement-api", "cloud.example.org"),
        ("http://[fd00::1]:9292/v2/images", "glance-api", "[fd00::1]"),
        ("http://controller:12345/", None, "controller"),
        ("no address at all", None, None),
    ],
)
def test_a_url_names_its_component_by_port_or_by_path(url: str, component: str | None, host: str | None) -> None:
    assert GRAPH.at_url(url) == (component, host)


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("nova-compute", "nova-compute"),
        ("nova_compute", "nova-compute"),
        ("dhcp_agent", "neutron-dhcp-agent"),
        ("mysqld", "mariadb"),
        ("Cinder", "cinder-api"),
        ("something-else", None),
        ("", None),
        (None, None),
    ],
)
def test_names_resolve_to_components(name: str | None, component: str | None) -> None:
    assert GRAPH.resolve(name) == component


def test_the_innermost_rpc_client_file_tells_who_did_not_answer() -> None:
    files = ["nova/conductor/rpcapi.py", "nova/conductor/manager.py", "nova/scheduler/rpcapi.py", "oslo_messaging/x.py"]
    assert GRAPH.rpc_callee(files) == "nova-scheduler"
    assert GRAPH.rpc_callee(["nova/compute/manager.py"]) is None


def test_agents_go_by_neutrons_own_type_names() -> None:
    assert GRAPH.agent("DHCP agent") == "neutron-dhcp-agent"
    assert GRAPH.agent(" l3 AGENT ") == "neutron-l3-agent"
    assert GRAPH.agent("Coffee agent") is None


def test_what_is_unknown_goes_by_its_first_word() -> None:
    assert GRAPH.family("trove-guestagent") == "trove"
    assert not GRAPH.is_infrastructure("trove-guestagent")
    assert not GRAPH.is_per_host("trove-guestagent")


def test_ports_and_families_are_plausible() -> None:
    ports = [port for c in GRAPH.components.values() for port in c.get("ports", ())]
    assert len(ports) == len(set(ports))
    assert {c["family"] for c in GRAPH.components.values()} <= set(
        report_schema()["$defs"]["service"]["anyOf"][0]["enum"]
    )


def test_every_program_that_parsing_knows_has_its_place_in_the_graph() -> None:
    several = {"neutron-agent", "juju"}  # one name for any agent of neutron; what deploys the others
    assert {name for name in read("programs.yaml")["programs"] if GRAPH.resolve(name) is None} == several


@pytest.fixture
def fresh_cache() -> Iterator[None]:
    load_topology.cache_clear()
    yield
    load_topology.cache_clear()


@pytest.mark.usefixtures("fresh_cache")
@pytest.mark.parametrize("where", ["needs", "shared", "aliases", "operations"])
def test_a_dangling_name_is_refused_by_name(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data: dict[str, Any] = {**read("topology.yaml")}
    if where == "needs":
        data["components"] = data["components"] | {"nova-api": {"family": "nova", "needs": ["ghost"]}}
    elif where == "shared":
        data["shared"] = [*data["shared"], "ghost"]
    elif where == "aliases":
        data["aliases"] = data["aliases"] | {"x": "ghost"}
    else:
        data["operations"] = [*data["operations"], {"words": ["x"], "components": ["ghost"]}]
    monkeypatch.setattr(topology, "read", lambda name: data)
    with pytest.raises(KnowledgeError, match="ghost"):
        load_topology()


def test_a_port_belongs_to_who_says_that_it_listens_there() -> None:
    table = log_table(
        {"service": "nova-api", "message": "(5450) wsgi starting up on http://0.0.0.0:18774"},
        {"service": "glance-api", "message": "(5450) wsgi starting up on http://0.0.0.0:9696"},
        {
            "service": "neutron-metadata-agent",
            "message": "(5450) wsgi starting up on http:/var/lib/neutron/metadata_proxy",
        },
    )
    graph = topology_of(table)
    assert graph.at_port(18774) == "nova-api"
    assert graph.at_port(8774) == "nova-api"
    assert graph.at_port(9696) == "glance-api"
    assert load_topology().at_port(9696) == "neutron-server"


def test_nobody_depends_on_a_network_agent_that_the_cloud_has_not() -> None:
    bridge = topology_of(log_table({"service": "neutron-linuxbridge-agent", "message": "m"}))
    assert bridge.depends("nova-compute", "ovs-vswitchd") is None
    assert bridge.depends("nova-compute", "neutron-linuxbridge-agent") == 1
    ovn = topology_of(log_table({"service": "ovn-controller", "message": "m"}))
    assert ovn.depends("nova-compute", "ovs-vswitchd") == 1
    assert ovn.depends("nova-compute", "neutron-openvswitch-agent") is None
    assert {"neutron-openvswitch-agent", "neutron-dhcp-agent"} <= ovn.absent
    both = topology_of(
        log_table({"service": "ovn-controller"}, {"service": "ovs-vswitchd"}, {"service": "neutron-dhcp-agent"})
    )
    assert "neutron-openvswitch-agent" in both.absent, "OVN needs ovs-vswitchd as well, so that one tells nothing"
    assert "neutron-dhcp-agent" not in both.absent
    silent = topology_of(log_table({"service": "nova-api", "message": "m"}))
    assert not silent.absent
    assert silent.depends("nova-compute", "ovs-vswitchd") == load_topology().depends("nova-compute", "ovs-vswitchd")
