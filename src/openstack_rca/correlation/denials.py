"""What SELinux or AppArmor denied (a file or a port) and how to allow it, and complaints about connections that were forbidden."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import polars as pl

from openstack_rca.correlation.wording import on
from openstack_rca.records import Clue

_DENIED = re.compile(r'(?:apparmor="DENIED"|avc:\s+denied).*?\bcomm="(?P<name>[^"]+)"')
_WARNED = "permissive=1"
"""What stands in the line on a program that was not kept from it: SELinux, or its domain, only warns."""
_PATH = re.compile(r'\b(?:name|path)="(?P<path>[^"]{3,})"')
_PORT = re.compile(
    r"name_(?P<act>connect|bind) \}.*? (?:dest|src)=(?P<port>\d+)"
    r'|apparmor="DENIED" operation="(?:(?P<act2>connect)".*? fport|(?P<act3>bind)".*? lport)=(?P<port2>\d+)'
)
"""A denied port. Source: Linux, security/selinux/hooks.c (name_connect, name_bind) and security/lsm_audit.c."""
_SELINUX = re.compile(r"scontext=\w+:\w+:(?P<program>\w+).*? tcontext=\w+:\w+:(?P<target>\w+)")
_BOOLEANS = {
    "haproxy_t": "haproxy_connect_any",
    "keepalived_t": "keepalived_connect_any",
    "swift_t": "swift_can_network",
    "glance_api_t": "glance_api_can_network",
    "httpd_t": "httpd_can_network_connect",
    "httpd_t mysqld_port_t": "httpd_can_network_connect_db",
    "httpd_t postgresql_port_t": "httpd_can_network_connect_db",
    "httpd_t memcache_port_t": "httpd_can_network_memcache",
    "httpd_t ldap_port_t": "httpd_can_connect_ldap",
}
"""The switches of SELinux's policy by the domain (and the type of port) that they let connect. Source: selinux-policy, contrib."""
_PORT_TYPES = {"httpd_t": "http_port_t", "mysqld_t": "mysqld_port_t", "memcached_t": "memcache_port_t"}
"""The type of port on which a domain may listen."""
_FORBIDDEN = "Permission denied"
"""What a program writes of EACCES (glibc), which is all that a security module lets it see."""
_EACCES = rf"(?:\[Errno 13\]|\(13\)|EACCES|connect: permission denied|{_FORBIDDEN})"
_CONNECTING = re.compile(rf"(?i:connect|dial tcp)[^\n/]{{0,160}}?{_EACCES}(?! \(|,)")
"""A connection over the network that was forbidden, as glibc, PyMySQL, Python and Go tell it; what a login is denied goes on."""
_NUMBER_OR_PEER = re.compile(r"\[Errno 13\]|\(13\)|EACCES|[\w\]]:\d{4,5}(?!\d)")
"""What stands there as well: the number of the error, or the address and port."""
_ANOTHER_MATTER = re.compile(r"unix:|[.-]sock\b|rbd|rados|ceph", re.IGNORECASE)
"""A socket that is a file, and keys of Ceph, which it calls forbidden connections too."""
_ANY_PORT = re.compile(r"(?::|\bport[ =:]+)\d{3,5}\b")
_HOST = "host"
_ASK = "audit2why tells the boolean or the label of the port that is missing"


class Denial(NamedTuple):
    """What a program was denied: a file (None where the line has not its path), or to connect to a port or bind it."""

    program: str
    path: str | None
    port: str | None
    act: str
    remedy: str

    def is_told_by(self, text: str) -> bool:
        """Say whether a text tells of something forbidden that is just this: it names the file or port, or no other."""
        if self.port:
            told = re.search(_EACCES, text)
            return bool(told and (self.port in text or (_is_connection(text) and not _ANY_PORT.search(text))))
        return _FORBIDDEN in text and (not (self.path or "").startswith("/") or str(self.path) in text)


def denial(text: str) -> Denial | None:
    """Return what a line says was denied; None where it does not, or where the program was only warned."""
    denied = _DENIED.search(text)
    if not denied or _WARNED in text:
        return None
    path, port = _PATH.search(text), _PORT.search(text)
    if not port:
        return Denial(denied["name"], path["path"] if path else None, None, "", "")
    act, number = port["act"] or port["act2"] or port["act3"], port["port"] or port["port2"]
    return Denial(denied["name"], None, number, act, _remedy(act, number, text))


def _remedy(act: str, port: str, text: str) -> str:
    """Return how to allow a program the port that it was denied."""
    told = _SELINUX.search(text)
    if not told:
        return f"Allow port {port} in the program's AppArmor profile and load it (apparmor_parser -r)."
    program, target = told["program"], told["target"]
    if act == "bind" and program in _PORT_TYPES:
        return f"Label the port: semanage port -a -t {_PORT_TYPES[program]} -p tcp {port} (-m where it has a label)."
    boolean = _BOOLEANS.get(f"{program} {target}") or _BOOLEANS.get(program)
    if act == "bind" or not boolean:
        return f"Let {program} use port {port}, which is a {target}: {_ASK}."
    return f"Switch it on: setsebool -P {boolean} on. If {target} is the wrong label of port {port}: semanage port -m."


def as_forbidden(clues: Sequence[Clue], table: pl.DataFrame) -> list[Clue]:
    """Return the clues; those which tell of a connection that was forbidden (EACCES) accuse the host on which it was to begin.

    No packet left that host, so nothing can be said of whoever was to be reached. Source: connect(2).
    """
    text = pl.concat_str("message", "detail", separator="\n", ignore_nulls=True)
    wanted = (
        table.filter(pl.col("record").is_in(sorted({r for c in clues for r in c.records})))
        .select("record", pl.col("host").cast(pl.String), said=text)
        .filter(pl.col("said").str.contains(_EACCES))
    )
    told = {record: host for record, host, said in wanted.iter_rows() if _is_connection(said)}
    return [_at_its_host(c, told[c.records[0]]) if c.records and told.keys() >= set(c.records) else c for c in clues]


def _is_connection(text: str) -> bool:
    told = _CONNECTING.search(text) and _NUMBER_OR_PEER.search(text)
    return bool(told) and not _ANOTHER_MATTER.search(text)


def _at_its_host(clue: Clue, host: str | None) -> Clue:
    """Return a clue on a forbidden connection as one against the host of who wanted it."""
    if clue.role == "context" or clue.component == _HOST:
        return clue
    whom = f" to {clue.component}" if clue.component != clue.reporter else ""
    return replace(
        clue,
        component=_HOST,
        host=host,
        type="misconfiguration",
        statement=f"{clue.reporter}{on(host)} may not open a connection{whom} (Permission denied): its own host forbids it, so "
        "nobody else was asked",
        remediation=f"Let SELinux or AppArmor allow it: {_ASK}.",
        look_next=("ausearch -m avc -ts recent: which program and port were denied (AppArmor: dmesg)",),
        code=(),
        exculpates=clue.component,
    )
