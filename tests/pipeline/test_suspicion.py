from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest
from tests.correlation.tables import at, log_table, novel

from openstack_rca.correlation import load_topology, topology_of, with_root
from openstack_rca.pipeline.suspicion import find_clues, signature_clues
from openstack_rca.records import Clue, Question, SignatureHit
from openstack_rca.signatures import Signature, load_signatures

GRAPH = load_topology()
SIGNATURES: Mapping[str, Signature] = {s.id: s for s in load_signatures()}
TABLE = log_table(*({"message": f"m{n}", "at": 10.0 * n} for n in range(3)))


def clues(signature: str, novelty: float = 1.0, floor: float = 0.0, **captured: str) -> list[Clue]:
    hit = SignatureHit(signature, "nova-compute", "c1", (1, 2), 7, captured, last=2)
    return list(signature_clues([hit], SIGNATURES, novel(TABLE, novelty), GRAPH, floor))


def by(**wanted: Any) -> str:
    """A signature of ours with these fields, whichever it is."""
    return next(s.id for s in SIGNATURES.values() if all(getattr(s, k) == v for k, v in wanted.items()))


def test_a_program_that_reports_its_own_failure_accuses_itself_on_its_host() -> None:
    (clue,) = clues(by(blames="self", role="cause"))
    assert (clue.component, clue.host, clue.exculpates) == ("nova-compute", "c1", None)
    assert (clue.count, clue.records, clue.first, clue.last) == (7, (1, 2), at(10), at(20))


@pytest.mark.parametrize(
    ("captured", "component", "host"),
    [
        ({"url": "http://controller:9696/v2.0/ports"}, "neutron-server", None),
        ({"port": "3306"}, "mariadb", None),
        ({"agent": "DHCP agent", "host": "net-1"}, "neutron-dhcp-agent", "net-1"),
        ({"topic": "conductor"}, "nova-conductor", None),
        ({"peer": "cinder"}, "cinder-api", None),
    ],
)
def test_a_peer_is_whom_the_text_names(captured: dict[str, str], component: str, host: str | None) -> None:
    (clue,) = clues(by(blames="peer", role="cause"), **captured)
    assert (clue.component, clue.host) == (component, host)
    assert clue.exculpates == "nova-compute"


def test_a_peer_that_cannot_be_named_leaves_a_weak_symptom_of_the_reporter() -> None:
    (unnamed,) = clues(by(blames="peer", role="cause"))
    (named,) = clues(by(blames="peer", role="cause"), port="3306")
    assert (unnamed.component, unnamed.role, unnamed.exculpates) == ("nova-compute", "symptom", None)
    assert unnamed.weight < named.weight


def test_commands_hold_the_names_that_the_line_gave() -> None:
    (clue,) = clues("ovs-uplink-removed", bridge="br-ex", interface="bond0")
    assert "ovs-vsctl add-port br-ex bond0" in clue.remediation
    assert any("ip link show bond0" in check for check in clue.look_next)
    (unnamed,) = clues("ovs-uplink-removed", bridge="br-ex")
    assert "ovs-vsctl add-port br-ex <interface>" in unnamed.remediation


def test_a_program_that_the_cloud_has_not_is_hardly_to_blame() -> None:
    hit = SignatureHit("neutron-dhcp-agents-inactive", "neutron-server", None, (1, 2), 7, {}, last=2)

    def weight(service: str) -> float:
        graph = topology_of(log_table({"service": service}))
        (clue,) = signature_clues([hit], SIGNATURES, novel(TABLE, 1.0), graph, 0.0)
        assert clue.component == "neutron-dhcp-agent"
        return clue.weight

    assert weight("ovn-controller") < 0.2 * weight("neutron-openvswitch-agent")


def accused_by(shared: str, *services: str) -> set[str]:
    known = next(s for s in SIGNATURES.values() if s.shared == shared)
    hits = [SignatureHit(known.id, s, None, (0,), 1) for s in services]
    return {c.component for c in signature_clues(hits, SIGNATURES, novel(TABLE, 1.0), GRAPH, 0.0)}


def test_what_several_programs_report_of_what_they_share_accuses_that() -> None:
    assert accused_by("keystone", "nova-api") == accused_by("keystone", "nova-api", "nova-api") == {"nova-api"}
    assert accused_by("keystone", "nova-api", "nova-compute") == {"keystone"}


def test_programs_of_one_service_may_all_be_configured_wrongly_for_what_every_service_uses() -> None:
    assert accused_by("rabbitmq", "nova-api", "nova-conductor") == {"nova-api", "nova-conductor"}
    assert accused_by("rabbitmq", "nova-api", "cinder-volume") == {"rabbitmq"}


def test_what_sets_in_on_several_hosts_that_nobody_restarted_is_of_the_broker() -> None:
    refused, started = by(shared="rabbitmq"), next(n for n in SIGNATURES if n.startswith("service-start"))
    told = [
        SignatureHit(refused, "nova-compute" if host != "c0" else "nova-conductor", host, (0,), 1)
        for host in ("c0", "c1", "c2", "c3")
    ]
    restart = SignatureHit(started, "nova-compute", "c1", (0,), 1)

    def accused(*hits: SignatureHit) -> set[str]:
        found = signature_clues(hits, SIGNATURES, novel(TABLE, 1.0), GRAPH, 0.0)
        return {c.component for c in found if c.finding == refused}

    assert accused(*told) == {"rabbitmq"}
    assert "rabbitmq" not in accused(*told, restart)
    assert "rabbitmq" not in accused(*(SignatureHit(refused, h.service, "c0", (0,), 1) for h in told))


def test_names_that_nobody_can_resolve_are_of_the_name_server_where_there_is_one() -> None:
    unresolved, refused = "name-resolution-failed", by(shared="keystone")
    hits = [SignatureHit(unresolved, name, name, (0,), 1) for name in ("nova-compute", "cinder-volume")]
    peer = SignatureHit(refused, "nova-compute", "c1", (0,), 1, {"port": "3306"})

    def accused(*programs: str) -> set[str]:
        graph = topology_of(log_table(*({"service": name} for name in ("nova-compute", *programs))))
        found = signature_clues([*hits, peer], SIGNATURES, novel(TABLE, 1.0), graph, 0.0)
        return {c.component for c in found}

    assert accused("named") == {"named"}, "who has the name was not even asked"
    assert accused() == {"host"}
    assert {c.component for c in signature_clues([peer], SIGNATURES, novel(TABLE, 1.0), GRAPH, 0.0)} != {"host"}


def test_a_trouble_of_a_host_that_only_one_program_has_is_that_programs() -> None:
    known = by(blames="host", role="cause")

    def accused(*services: str) -> set[tuple[str, str | None]]:
        hits = [SignatureHit(known, s, "c1", (0,), 1) for s in services]
        return {(c.component, c.host) for c in signature_clues(hits, SIGNATURES, novel(TABLE, 1.0), GRAPH, 0.0)}

    assert accused("nova-compute") == {("nova-compute", "c1")}
    assert accused("nova-compute", "neutron-linuxbridge-agent") == {("host", "c1")}
    assert accused("kernel") == accused("systemd") == {("host", "c1")}


def test_a_recovery_accuses_nobody_but_tells_when_the_trouble_ended() -> None:
    (clue,) = clues(by(role="recovery"))
    assert (clue.role, clue.last) == ("context", at(20))


def test_what_always_came_weighs_nothing_with_a_baseline_and_something_without() -> None:
    known = by(blames="self", role="cause")
    assert clues(known, novelty=0.0)[0].weight == 0
    assert 0 < clues(known, novelty=0.0, floor=0.35)[0].weight < clues(known)[0].weight


def test_whom_a_signature_blames_is_known() -> None:
    ways = {"self", "peer", "host", "kernel"}
    assert [s.id for s in SIGNATURES.values() if s.blames not in ways and GRAPH.resolve(s.blames) is None] == []


def test_a_symptom_whose_own_record_names_another_service_counts_less() -> None:
    def weight_of_the_spawn(error: str) -> float:
        row = {"service": "nova-compute", "level": "ERROR", "logger": "nova.compute.manager",
               "message": f"[instance: 1] Instance failed to spawn: {error}"}  # fmt: skip
        table = novel(log_table(row)).with_columns(root=pl.lit("r1"))
        question = Question("x")
        found = find_clues(table, None, table.clear(), question, GRAPH)
        return next(c.weight for c in found if c.kind == "signature" and c.component == "nova-compute")

    own = weight_of_the_spawn("ValueError: no")
    bound = weight_of_the_spawn(
        "nova.exception.PortBindingFailed: Binding failed for port 2211af60-3e8b-4efb-8cfc-293797cdca5b, please check "
        "neutron logs for more information."
    )
    assert bound == pytest.approx(0.4 * own)


def test_of_several_lines_that_of_the_request_that_was_asked_for_is_shown_first() -> None:
    rows = [
        {
            "service": "nova-compute",
            "level": "ERROR",
            "message": f"[instance: {n}] Instance failed to spawn: no",
            "template": "t",
        }
        for n in range(3)
    ]
    table = novel(log_table(*rows)).with_columns(root=pl.concat_str(pl.lit("r"), pl.col("record").cast(pl.String)))

    def lines(*asked: str) -> set[tuple[int, ...]]:
        found = find_clues(table, None, table.clear(), Question("x"), GRAPH, asked=asked)
        return {c.records for c in found if c.kind == "signature"}

    assert lines() == {(0, 1, 2)}
    assert lines("r2") == {(2, 0, 1)}


def test_what_only_requests_of_another_operation_show_counts_less() -> None:
    def weight(issue: str) -> float:
        rows = [
            {"service": "nova-compute", "level": "ERROR", "message": "[instance: 1] Instance failed to spawn: no"},
            {"message": '10.0.0.9 "POST /v2.1/servers HTTP/1.1" status: 202 len: 1 time: 0.1'},
        ]
        table = novel(log_table(*rows)).with_columns(root=pl.lit("r1"))
        found = find_clues(table, None, table.clear(), Question(issue), GRAPH)
        return next(c.weight for c in found if c.kind == "signature" and c.component == "nova-compute")

    assert weight("servers cannot be created") == weight("servers have trouble") > 0
    assert weight("servers cannot be deleted") == pytest.approx(0.5 * weight("servers cannot be created"))


def test_what_a_signature_and_a_traceback_say_of_one_record_counts_once_and_keeps_the_place() -> None:
    detail = """Traceback (most recent call last):
  File "/x/dist-packages/cinder/volume/drivers/nfs.py", line 10, in _do_create_volume
    self._create_regular_file(path, size)
OSError: [Errno 28] No space left on device: '/mnt/volume-1\'"""
    table = novel(
        log_table(
            {
                "service": "cinder-volume",
                "level": "ERROR",
                "host": "c1",
                "message": "Create failed: OSError: [Errno 28] No space left on device: '/mnt/volume-1'",
                "detail": detail,
            }
        )
    )
    found = find_clues(with_root(table), None, table.clear(), Question(""), GRAPH)
    accused = [c for c in found if c.records == (0,) and c.role == "cause"]
    assert [(c.kind, c.component) for c in accused if c.kind in ("signature", "traceback")] == [
        ("signature", accused[0].component)
    ]
    assert [p.function for p in accused[0].code] == ["_do_create_volume"]


def test_what_conductor_repeats_failed_on_the_host_that_it_names() -> None:
    hit = SignatureHit("no-route-to-host", "nova-conductor", "ctl-1", (0,), 1, {})
    told = "Error from last host: cmp-1 (node cmp-1): ['Traceback', 'OSError: [Errno 113] No route to host']"

    def accused(message: str) -> tuple[str, str | None]:
        table = novel(log_table({"service": "nova-conductor", "message": message}), 1.0)
        other = SignatureHit("no-route-to-host", "nova-compute", "ctl-1", (0,), 1, {})
        clue, _ = signature_clues([hit, other], SIGNATURES, table, GRAPH, 0.0)
        return clue.component, clue.host

    assert accused(told) == ("host", "cmp-1")
    assert accused("OSError: [Errno 113] No route to host") == ("host", "ctl-1")


def test_who_is_reached_on_the_own_host_only_is_accused_there() -> None:
    def host(blamed: str) -> str | None:
        known = next(s.id for s in SIGNATURES.values() if s.blames == blamed and s.role == "cause" and not s.shared)
        (clue,) = clues(known)
        return clue.host

    assert (host("ovs-vswitchd"), host("libvirtd")) == ("c1", "c1")
    assert host("ceph-mon") is None


def test_storage_at_the_other_end_of_a_network_is_not_on_the_host_that_complains() -> None:
    (refused,) = clues("iscsi-login-refused", target="iqn.2010-10.org.openstack:volume-1")
    (target,) = clues("iscsi-target-login-refused")
    assert (refused.component, refused.host) == ("storage", None)
    assert (target.component, target.host) == ("storage", "c1")


def test_a_signature_of_a_cause_that_proves_it_needs_no_news_where_no_healthy_logs_are_at_hand() -> None:
    proof = by(role="cause", blames="self", weight=0.9)
    symptom = by(role="symptom", blames="self")
    weights = [clues(proof, novelty=0.0, floor=floor)[0].weight for floor in (0.0, 0.35)]
    assert weights == pytest.approx([0.0, 0.54])
    assert clues(symptom, novelty=0.0, floor=0.35)[0].weight == pytest.approx(0.35 * SIGNATURES[symptom].weight)
