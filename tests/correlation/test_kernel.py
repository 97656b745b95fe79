from typing import Any

import pytest
from tests.correlation.tables import at, log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import by_the_kernel, load_topology
from openstack_rca.records import Clue

GRAPH = load_topology()
KILLED = "Out of memory: Killed process 30 ({}) total-vm:22851234kB, anon-rss:19887712kB"
DENIED = (
    'audit: type=1400 apparmor="DENIED" operation="open" profile="libvirt-1" name="{}" pid=4 comm="qemu-system-x86"'
)
SELINUX = 'avc:  denied  { read } for  pid=41222 comm="qemu-kvm" name="disk" dev="dm-3" tclass=file'
DISK = "/srv/instances/c2b7/disk"
REFUSED = f"Could not open '{DISK}': Permission denied"


def deed(kind: str = "kernel-oom-kill", **changes: Any) -> Clue:
    given = {
        "key": f"{kind}:host:kernel",
        "finding": kind,
        "reporter": "kernel",
        "host": "c1",
        "first": at(10),
        "last": at(10),
        **changes,
    }
    return clue("host", 0.6, **given)


def hurt(component: str, **changes: Any) -> Clue:
    return clue(component, 0.5, **{"first": at(12), "last": at(40), "records": (1,), **changes})


def found(said: str, *clues: Clue, second: str = "x") -> list[Clue]:
    table = log_table(
        {"service": "kernel", "host": "c1", "message": said, "at": 10.0},
        {"service": "nova-compute", "host": "c1", "message": second, "at": 12.0},
    )
    return by_the_kernel(clues, table, GRAPH)


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("neutron-server", "neutron-server"),
        ("neutron-server:", "neutron-server"),
        ("mysqld", "mariadb"),
        ("neutron-dhcp-ag", "neutron-dhcp-agent"),
    ],
)
def test_who_was_killed_for_lack_of_memory_and_missed_is_excused_by_the_host(name: str, component: str) -> None:
    (cause,) = found(KILLED.format(name), deed(), hurt(component, reporter="nova-api"))
    assert (cause.component, cause.host, cause.exculpates) == ("host", "c1", component)
    assert cause.records == (0, 1)
    assert "the kernel of c1 killed" in cause.statement


def test_nobody_is_excused_who_was_not_killed_or_failed_before_or_elsewhere() -> None:
    said = KILLED.format("nova-compute")
    assert found(said, deed(), hurt("nova-compute", host="c1"))
    assert found(said, deed(), hurt("nova-compute", host="c2")) == []
    assert found(said, deed(), hurt("cinder-volume")) == []
    assert found(said, deed(), hurt("nova-compute", first=at(1), last=at(5))) == []
    assert found(said, deed(), hurt("nova-compute", role="context")) == []
    assert found("nova-compute invoked oom-killer: gfp_mask=0x100cca", deed(), hurt("nova-compute")) == []


@pytest.mark.parametrize("said", [DENIED.format(DISK), SELINUX])
def test_what_a_security_module_forbade_is_why_it_could_not_be_opened(said: str) -> None:
    kind = "apparmor-selinux-denied"
    (cause,) = found(said, deed(kind), hurt("qemu", host="c1"), second=REFUSED)
    assert (cause.component, cause.exculpates) == ("host", "qemu")
    assert found(said, deed(kind), hurt("qemu", host="c1"), second="No such file or directory") == []
    assert found(said, deed(kind), hurt("qemu", host="c2"), second=REFUSED) == []
    assert found(said, deed(kind), hurt("qemu", host="c1", first=at(90)), second=REFUSED) == []


def test_a_denial_of_another_file_explains_nothing() -> None:
    other = DENIED.format("/etc/shadow")
    assert found(other, deed("apparmor-selinux-denied"), hurt("qemu", host="c1"), second=REFUSED) == []


def test_a_connection_that_was_denied_is_told_by_its_port() -> None:
    avc = 'avc:  denied  { name_connect } for  pid=2011 comm="httpd" dest=3306 tclass=tcp_socket'
    refused = "Can't connect to MySQL server on '10.20.0.12' ([Errno 13] Permission denied)"
    denied = deed("selinux-connect-denied")
    (cause,) = found(avc, denied, hurt("keystone", host="c1"), second=refused)
    assert "did not let httpd connect to port 3306 at" in cause.statement
    assert cause.exculpates == "keystone"
