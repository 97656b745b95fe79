"""Redaction: recall on seeded secrets in real shapes of lines, and what it takes from healthy lines."""

import argparse
import base64
import random
import re
import string
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from openstack_rca.diagnosis.redaction import Redactor, load_rules
from openstack_rca.sources import PathSource

SEED = 20261122
PER_SHAPE = 6
LINES = 100_000
_ALNUM = string.ascii_letters + string.digits
_LOWER = string.ascii_lowercase
_NEEDED = re.compile(
    r"\breq-[0-9a-f-]{36}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:compute|controller|ctl|ctrl|network|storage)[-_]?\d+\b"
)
"""Ids that a diagnosis needs: request ids, resources, projects, addresses, hosts."""


def _some(rng: random.Random, alphabet: str, low: int, high: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(low, high)))


def _password(rng: random.Random) -> str:
    return _some(rng, _ALNUM, 8, 20) + str(rng.randint(0, 9))


def _odd_password(rng: random.Random) -> str:
    return _some(rng, _ALNUM + "!#$%^*_+-=~.", 10, 18) + _some(rng, _ALNUM, 2, 2)


def _base64(rng: random.Random, size: int) -> str:
    return base64.b64encode(rng.randbytes(size)).decode()


def _pem(rng: random.Random, what: str) -> str:
    body = _base64(rng, rng.randint(120, 400))
    lines = "\n".join(body[i : i + 64] for i in range(0, len(body), 64))
    return f"-----BEGIN {what}-----\n{lines}\n-----END {what}-----"


Maker = Callable[[random.Random], str]
FERNET: Maker = lambda r: "gAAAAAB" + _some(r, _ALNUM + "-_", 130, 200)  # noqa: E731
HEX: Maker = lambda r: r.randbytes(16).hex()  # noqa: E731
UUID: Maker = lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4))  # noqa: E731
_OSLO = (
    "2026-11-22 08:48:29.374 20127 {level} {logger} "
    "[None req-46f2426e-ac74-4def-b866-52a009d718b9 u p - - default default] "
)
_DEBUG = _OSLO.format(level="DEBUG", logger="keystoneauth.session")
_ERROR = _OSLO.format(level="ERROR", logger="nova.compute.manager")

SHAPES: dict[str, tuple[Maker, tuple[str, ...]]] = {
    "connection URL": (
        _password,
        (
            _ERROR + "DBConnectionError: Could not parse mysql+pymysql://nova:{}@10.0.0.5/nova?charset=utf8",
            "DEBUG oslo_service.service [-] transport_url = rabbit://openstack:{}@ctl-1:5672/ log_opt_values",
            "rabbit://openstack:other1@ctl-1:5672,openstack:{}@ctl-2:5672//",
            '{"message": "connect to redis://:{}@cache:6379?db=1 failed", "levelname": "ERROR"}',
            "swift proxy-server: connecting to https://swift:{}@ctl.example.org:6000/v1/AUTH_x",
        ),
    ),
    "password in configuration": (
        _password,
        (
            "DEBUG oslo_service.service [-] keystone_authtoken.password = {} log_opt_values /opt/stack/cfg.py:2613",
            "DEBUG cinder.service [-] backend_defaults.san_password = {}",
            "ldap.password={} ldap.user=cn=admin",
            "AUTH_PASSWORD: {} in the environment of kolla_start",
            "export OS_PASSWORD='{}'",
        ),
    ),
    "password in JSON or dict": (
        _odd_password,
        (
            _DEBUG + 'REQ BODY: {{"auth": {{"password": {{"user": {{"name": "nova", "password": "{}"}}}}}}}}',
            _DEBUG + "Making request with body {{'server': {{'adminPass': '{}', 'name': 'vm1'}}}}",
            "body: {{u'user': {{u'original_password': u'{}', u'name': u'bob'}}}}",
            '"rescue": {{"admin_password": "{}"}}',
            'kombu: {{\\"login_method\\": \\"AMQPLAIN\\", \\"password\\": \\"{}\\"}}',
        ),
    ),
    "password on a command line": (
        _password,
        (
            "Running cmd (subprocess): openstack --os-username admin --os-password {} server list",
            "processutils iscsiadm -m node -T iqn.2010 --op update -n node.session.auth.password -v {}",
            "CMD \"mysqldump -h ctl -u root -p{} nova\" returned: 2",
            "ipmitool -I lanplus -H 10.0.0.9 -U root --password {} power status",
            "mysqld: GRANT ALL ON *.* TO 'root'@'%' IDENTIFIED BY '{}'",
        ),
    ),
    "fernet token": (
        FERNET,
        (
            _DEBUG + 'curl -g -i -X GET http://ctl/v3 -H "X-Auth-Token: {}"',
            "keystone.token.provider [-] Invalid token {}",
            "RESP: [201] X-Subject-Token: {} Vary: X-Auth-Token",
            "'headers': {{'X-Auth-Token': b'{}'}}",
        ),
    ),
    "uuid token": (
        HEX,
        (
            '-H "X-Auth-Token: {}" -H "Accept: application/json"',
            "{{'X-Service-Token': '{}'}}",
            "x-storage-token: {}",
            "DEBUG heat [-] auth_token={} trust_id=7",
        ),
    ),
    "console token": (
        UUID,
        (
            '10.0.0.7 - - "GET /vnc_lite.html?path=%3Ftoken%3D{} HTTP/1.1" 200',
            "GET /?token={} HTTP/1.1 -> 101",
            "nova.consoleauth: {{'token': u'{}', 'port': 5900}}",
        ),
    ),
    "authorization header": (
        lambda r: _base64(r, r.randint(15, 40)),
        (
            "'Authorization': 'Basic {}'",
            'curl -H "Authorization: Bearer {}" https://ctl:6443',
            "proxy-authorization: Basic {}",
            "urllib3 send: authorization: Bearer {}",
        ),
    ),
    "JSON web token": (
        lambda r: f"eyJ{_some(r, _ALNUM, 20, 40)}.eyJ{_some(r, _ALNUM, 40, 90)}.{_some(r, _ALNUM + '_-', 40, 43)}",
        ("id_token={}&state=x", "OIDC: claim of {} is invalid", '{{"access_token":"{}","expires_in":300}}'),
    ),
    "private key": (
        lambda r: _pem(r, r.choice(("RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY"))),
        ("nova.virt: injecting {}", "octavia tls_container: {}\nDEBUG next record", "'private_key': '{}'"),
    ),
    "certificate": (
        lambda r: _pem(r, "CERTIFICATE"),
        ("amphora cert {}", "barbican secret payload: {} stored"),
    ),
    "SSH public key": (
        lambda r: "AAAAB3NzaC1yc2E" + _some(r, _ALNUM + "+/", 200, 360),
        ("Instance(key_data='ssh-rsa {} bob@laptop',uuid=1)", "cloud-init: ci-info: ssh-rsa {} -"),
    ),
    "shared secret": (
        lambda r: _some(r, _ALNUM, 16, 40),
        (
            "neutron.metadata_proxy_shared_secret = {}",
            "keystone_authtoken.memcache_secret_key = {}",
            "heat.auth_encryption_key={}",
            "'application_credential': {{'id': 'x', 'secret': '{}'}}",
            'ec2 credential {{"access": "a", "secret_key": "{}"}}',
        ),
    ),
    "cloud access key": (
        lambda r: "AKIA" + _some(r, string.ascii_uppercase + string.digits, 16, 16),
        ("glance_store s3_store_access_key = {}", "backup: Credential={}/20261122/us-east-1/s3/aws4_request"),
    ),
    "signature of a URL": (
        lambda r: r.randbytes(20).hex(),
        (
            "GET /v1/AUTH_x/c/o?temp_url_sig={}&temp_url_expires=1669",
            "PUT /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={} 403",
        ),
    ),
    "API key": (
        lambda r: r.choice(("ghp_", "glpat-", "sk-ant-api03-")) + _some(r, _ALNUM, 36, 60),
        ("pip install git+https://github.com/x with {} failed", "exporter: using {} for the gateway"),
    ),
    "ceph key": (
        lambda r: f"AQ{_some(r, _ALNUM + '+/', 36, 36)}==",
        ("ceph-authtool: [client.x]\n\tkey = {}", "virsh secret-set-value --base64 {}", "rados: key={} for client"),
    ),
    "password hash": (
        lambda r: f"$6$rounds=656000${_some(r, _ALNUM, 16, 16)}${_some(r, _ALNUM + './', 86, 86)}",
        ("cloud-config: passwd: {}", "chpasswd: root:{}", "keystone password_hash {} is too long"),
    ),
    "e-mail": (
        lambda r: f"{_some(r, _LOWER, 4, 9)}.{_some(r, _LOWER, 3, 9)}@{r.choice(('example.org', 'corp.example.com'))}",
        (
            "keystone: user {} is locked",
            "{{'email': '{}', 'enabled': True}}",
            "CN=admin,emailAddress={},O=x",
            "Mail to <{}> sent",
        ),
    ),
    "cookie": (
        lambda r: _some(r, string.ascii_lowercase + string.digits, 32, 32),
        ("Set-Cookie: sessionid={}; Path=/; HttpOnly", "horizon: cookie: csrftoken=aaaaaaaa; sessionid={}"),
    ),
    "user data": (
        lambda r: _base64(r, r.randint(60, 150)),
        ("Instance(uuid=1,user_data='{}',vcpus=1)", '{{"server": {{"user_data": "{}"}}}}'),
    ),
}  # fmt: skip


def seeded(rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """Yield kind, secret and line: every shape several times, each with a secret of its own."""
    for kind, (maker, shapes) in SHAPES.items():
        for shape in shapes:
            for _ in range(PER_SHAPE):
                secret = maker(rng)
                yield kind, secret, shape.replace("{{", "{").replace("}}", "}").replace("{}", secret)


def lost(secret: str, text: str) -> bool:
    """Say whether a secret is gone: neither it nor the longest of its lines stands in the text."""
    longest = max(secret.splitlines(), key=lambda line: (len(line), "-----" not in line))
    return secret not in text and longest not in text


def recall() -> None:
    """Print how many seeded secrets of each kind are gone."""
    found: Counter[str] = Counter()
    all_: Counter[str] = Counter()
    missed = []
    restored = True
    for kind, secret, line in seeded(random.Random(SEED)):
        redactor = Redactor()
        hidden = redactor.redact(line)
        all_[kind] += 1
        restored &= redactor.restore(hidden) == line
        if lost(secret, hidden):
            found[kind] += 1
        else:
            missed.append((kind, line))
    for kind, n in all_.items():
        print(f"  {kind:<28} {found[kind]:>3} of {n}")
    total = sum(all_.values())
    print(f"recall {sum(found.values()) / total:.4f} on {total} secrets of {len(all_)} kinds; all put back: {restored}")
    for kind, line in missed[:10]:
        print(f"  missed {kind}: {line[:160]!r}")


def precision(paths: Sequence[Path], most: int) -> None:
    """Print how many needed ids were destroyed in healthy lines, and what was taken from them."""
    taken: Counter[str] = Counter()
    examples: dict[str, str] = {}
    ids = broken = lines = 0
    redactor = Redactor()
    rules = load_rules()
    spent = 0.0
    for line in _lines(paths, most):
        lines += 1
        start = time.perf_counter()
        hidden = redactor.redact(line)
        spent += time.perf_counter() - start
        if hidden == line:
            ids += len(_NEEDED.findall(line))
            continue
        before, after = Counter(_NEEDED.findall(line)), Counter(_NEEDED.findall(hidden))
        ids += before.total()
        broken += (before - after).total()
        for s, e, kind in rules.find(line):
            taken[kind] += 1
            examples.setdefault(kind, f"{line[max(0, s - 60) : s]}[{line[s:e][:12]}…]")
    changed = sum(taken.values())
    print(f"{lines} healthy lines: {broken} of {ids} needed ids destroyed (precision {1 - broken / max(1, ids):.6f})")
    print(f"  {changed} values hidden, {redactor.hidden} different; {lines / max(spent, 1e-9):,.0f} lines/s")
    for kind, n in taken.most_common():
        print(f"  {kind:<16} {n:>6}  {examples[kind]!r}")


def _lines(paths: Sequence[Path], most: int) -> Iterator[str]:
    for raw in PathSource(list(paths)).files():
        rest = b""
        for chunk in raw.chunks():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                if most <= 0:
                    return
                most -= 1
                yield line.decode("utf-8", "replace")


def main(argv: Sequence[str] | None = None) -> None:
    """Print recall on the seeded secrets, then precision on the lines of some paths."""
    parser = argparse.ArgumentParser(prog="scripts/bench redaction", description=__doc__)
    parser.add_argument("healthy", nargs="*", type=Path, default=[Path("examples/incidents/baseline-1/logs")])
    parser.add_argument("--lines", type=int, default=LINES)
    options = parser.parse_args(argv)
    recall()
    precision(options.healthy, options.lines)


if __name__ == "__main__":
    main()
