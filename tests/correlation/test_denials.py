import pytest
from tests.correlation.tables import log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import as_forbidden
from openstack_rca.correlation.denials import denial
from openstack_rca.records import Clue

SELINUX = (
    'type=AVC msg=audit(1516698486.905:4190): avc:  denied  {{ {act} }} for  pid=2011 comm="httpd" {port} '
    "scontext=system_u:system_r:{domain}:s0 tcontext=system_u:object_r:{target}:s0 tclass=tcp_socket{end}"
)
APPARMOR = (
    'audit: type=1400 apparmor="DENIED" operation="connect" class="net" profile="/usr/sbin/mysqld" pid=4 comm="mysqld" '
    'laddr=10.0.0.5 lport=41000 faddr=10.0.0.9 fport=4567 family="inet" sock_type="stream" protocol=6'
)


def selinux(
    act: str = "name_connect",
    port: str = "dest=3306",
    domain: str = "httpd_t",
    target: str = "mysqld_port_t",
    end: str = "",
) -> str:
    return SELINUX.format(act=act, port=port, domain=domain, target=target, end=end)


@pytest.mark.parametrize(
    ("line", "port", "act", "remedy"),
    [
        (selinux(), "3306", "connect", "setsebool -P httpd_can_network_connect_db on"),
        (selinux(port="dest=11211", target="memcache_port_t"), "11211", "connect", "httpd_can_network_memcache"),
        (selinux(port="dest=5672", target="amqp_port_t"), "5672", "connect", "httpd_can_network_connect on"),
        (selinux(port="dest=8774", domain="haproxy_t", target="osapi_compute_port_t"), "8774", "connect", "haproxy_connect_any"),
        (selinux(domain="nova_t"), "3306", "connect", "Let nova_t use port 3306, which is a mysqld_port_t: audit2why"),
        (selinux("name_bind", "src=8778", target="unreserved_port_t"), "8778", "bind", "semanage port -a -t http_port_t -p tcp 8778"),
        (selinux("name_bind", "src=18774", "haproxy_t", "unreserved_port_t"), "18774", "bind", "audit2why"),
        (APPARMOR, "4567", "connect", "apparmor_parser"),
    ],
)  # fmt: skip
def test_a_denied_port_comes_with_what_allows_it(line: str, port: str, act: str, remedy: str) -> None:
    denied = denial(line)
    assert denied
    assert (denied.path, denied.port, denied.act) == (None, port, act)
    assert remedy in denied.remedy


def test_a_denied_file_is_known_by_its_path_and_needs_no_port() -> None:
    denied = denial('avc:  denied  { read } for  pid=41222 comm="qemu-kvm" name="disk" dev="dm-3" tclass=file')
    assert denied
    assert (denied.program, denied.path, denied.port, denied.remedy) == ("qemu-kvm", "disk", None, "")


def test_who_was_only_warned_was_denied_nothing() -> None:
    assert denial(selinux(end=" permissive=0"))
    assert denial(selinux(end=" permissive=1")) is None
    assert denial('avc:  granted  { read } for  pid=1 comm="httpd"') is None


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ("Can't connect to MySQL server on '10.20.0.12' ([Errno 13] Permission denied)", True),
        ("connect to 10.0.0.5:3306 failed (Permission denied)", True),
        ("(13)Permission denied: could not bind to address 0.0.0.0:3306", True),
        ("connect to 10.0.0.5:5672 failed (Permission denied)", False),
        ("PermissionError: [Errno 13] Permission denied: '/etc/keystone/fernet-keys'", False),
        ("Can't connect to MySQL server on '10.20.0.12' ([Errno 111] Connection refused)", False),
    ],
)
def test_a_complaint_is_about_the_denied_port_if_it_names_that_or_none(text: str, is_it: bool) -> None:
    denied = denial(selinux())
    assert denied
    assert denied.is_told_by(text) is is_it


DATABASE = clue("mariadb", 0.7, type="dependency-unreachable", reporter="keystone", records=(0,), exculpates="keystone")


def judged(text: str, given: Clue = DATABASE) -> Clue:
    (found,) = as_forbidden(
        [given], log_table({"service": "keystone", "host": "ctl-1", "message": text}, {"message": "x"})
    )
    return found


@pytest.mark.parametrize(
    "text",
    [
        "(2003, \"Can't connect to MySQL server on '10.20.0.12' ([Errno 13] Permission denied)\")",
        "(2003, \"Can't connect to server on '10.20.0.12' (13)\")",
        "Failed to establish a new connection: [Errno 13] Permission denied'",
        "connect() to 10.0.0.5:8774 failed (13: Permission denied) while connecting to upstream",
        "dial tcp 10.0.0.5:6443: connect: permission denied",
        "tcp:10.0.0.5:6642: connection attempt failed (Permission denied)",
    ],
)
def test_a_forbidden_connection_says_nothing_of_whoever_was_to_be_reached(text: str) -> None:
    found = judged(text)
    assert (found.component, found.host, found.type, found.exculpates) == (
        "host",
        "ctl-1",
        "misconfiguration",
        "mariadb",
    )
    assert "keystone on ctl-1 may not open a connection to mariadb" in found.statement
    assert found.weight == DATABASE.weight


@pytest.mark.parametrize(
    "text",
    [
        "(2003, \"Can't connect to MySQL server on '10.20.0.12' ([Errno 111] Connection refused)\")",
        "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied",
        "unix:db.sock: connection attempt failed (Permission denied)",
        "Error connecting to ceph cluster.: rados.PermissionDeniedError: [errno 13] error connecting to the cluster",
        'qemu-system-x86_64: -blockdev {"driver":"rbd","server":"10.0.0.9:6789"}: error connecting: Permission denied',
        "error connecting: Permission denied",
        "connection closed: nova@cmp-1: Permission denied (publickey,password)",
        "PermissionError: [Errno 13] Permission denied: '/etc/nova/nova.conf'",
    ],
)
def test_refused_connections_files_keys_and_logins_are_other_matters(text: str) -> None:
    assert judged(text) == DATABASE


def test_all_records_must_tell_of_it() -> None:
    text = "Can't connect to server on '10.20.0.12' (13)"
    for other in (
        clue("mariadb", records=(0, 1)),
        clue("mariadb", records=()),
        clue("mariadb", role="context", records=(0,)),
    ):
        assert judged(text, other) == other
