"""One text, several reasons: each reason has its own signature, and none of its siblings finds it too."""

import pytest

from openstack_rca import knowledge
from openstack_rca.correlation import load_topology
from openstack_rca.signatures import load_signatures
from openstack_rca.signatures.matching import captures_of

SIGNATURES = {s.id: s for s in load_signatures()}
_LIBVIRT = "Failed to connect to remote libvirt URI qemu+ssh://nova@cmp2.example.org/system: Cannot recv data: "
_FAMILIES = {
    "placement": (
        "nova-provider-name-conflict", "nova-placement-error-answer", "nova-placement-refused", "nova-provider-record-failed",
    ),
    "filter": (
        "nova-filter-pci", "nova-filter-numa", "nova-filter-zone", "nova-filter-aggregate", "nova-filter-image",
        "nova-filter-capabilities", "nova-filter-affinity", "nova-filter-load", "nova-compute-filter-returned-none",
        "nova-filter-returned-none",
    ),
    "console": (
        "nova-console-token-invalid", "nova-console-host-unreachable", "nova-console-refused", "nova-console-origin-refused",
        "nova-console-tls-failed",
    ),
    "migration": (
        "libvirt-remote-login-refused", "nova-live-migration-connect-failed", "nova-resize-ssh-failed",
        "nova-resize-ssh-unreachable",
    ),
    "disk": ("nova-disk-not-found", "libvirt-disk-permission", "qemu-disk-open-failed", "disk-io-error", "stale-file-handle"),
    "kernel": ("kernel-disk-error", "kernel-stacked-device-error"),
    "pool": ("thin-pool-full", "thin-pool-nearly-full"),
    "tables": ("xtables-lock-held", "netlink-not-permitted", "iptables-unusable"),
    "mount": (
        "nfs-mount-refused", "nfs-server-unreachable", "cinder-nfs-share-unavailable", "brick-share-mount-failed",
        "cinder-nfs-shares-file-missing",
    ),
    "tls": ("tls-certificate-invalid", "tls-certificate-expired", "tls-certificate-name"),
    "queue": ("amqp-home-node-down", "amqp-queue-broken"),
    "haproxy": ("haproxy-server-down", "haproxy-server-silent", "haproxy-check-refused"),
    "schedule": ("nova-failed-to-schedule", "nova-scheduler-found-no-host"),
    "keystone": (
        "keystone-account-locked", "keystone-password-expired", "keystone-user-disabled", "keystone-project-disabled",
        "keystone-role-missing",
    ),
    "limits": (
        "file-descriptors-exhausted", "kernel-file-table-full", "inotify-instances-exhausted", "inotify-watches-exhausted",
        "namespace-limit-reached", "cgroup-limit-reached", "disk-full", "disk-quota-exceeded", "kernel-keys-quota",
        "aio-requests-exhausted", "process-limit-reached", "no-buffer-space", "keepalived-netlink-overrun",
    ),
    "ipset": ("ipset-full", "ipset-command-failed"),
    "galera": ("galera-bootstrap-needed", "galera-no-primary"),
    "mariadb": ("mariadb-crashed", "mariadb-aborting", "mariadb-start-refused"),
    "vrrp": ("keepalived-outranked", "keepalived-id-conflict", "keepalived-state-change", "keepalived-adverts-lost"),
    "libvirt": ("libvirtd-clients-exhausted", "libvirtd-requests-limited", "libvirt-guest-ended", "libvirt-asked-in-vain"),
    "target": ("iscsi-target-login-refused", "iscsi-target-login-failed", "iscsi-target-config-missing", "iscsi-login-refused"),
    "fencing": ("node-fenced", "node-fencing-planned", "node-fencing-failed"),
    "qemu": ("qemu-virtio-inconsistent", "qemu-migration-stream-broken", "qemu-tls-refused"),
    "database": ("db-unreachable", "db-no-answer", "db-connect-denied"),
    "avc": ("apparmor-selinux-denied", "selinux-connect-denied"),
    "oom": ("kernel-oom-kill", "kernel-oom-invoked"),
    "redis": ("octavia-jobboard-redis", "redis-login-refused", "redis-read-only"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("family", "text", "only"),
    [
        ("placement", 'Failed to create resource provider record in placement API for UUID 7. Got 409: {"detail": "Conflicting '
         'resource provider name: node06 already exists."}', "nova-provider-name-conflict"),
        ("placement", "Failed to retrieve resource provider tree from placement API for UUID 7. Got 500: x",
         "nova-placement-error-answer"),
        ("placement", "Failed to update inventory to [] for resource provider with UUID 7.  Got 403: x", "nova-placement-refused"),
        ("placement", "Failed to retrieve traits from placement API for resource provider with UUID 7. Got 503: x",
         "nova-provider-record-failed"),
        ("filter", "Filter PciPassthroughFilter returned 0 hosts", "nova-filter-pci"),
        ("filter", "Filter NUMATopologyFilter returned 0 hosts", "nova-filter-numa"),
        ("filter", "Filter AvailabilityZoneFilter returned 0 hosts", "nova-filter-zone"),
        ("filter", "Filter AggregateInstanceExtraSpecsFilter returned 0 hosts", "nova-filter-aggregate"),
        ("filter", "Filter ServerGroupAntiAffinityFilter returned 0 hosts", "nova-filter-affinity"),
        ("filter", "Filter AggregateRamFilter returned 0 hosts", "nova-filter-load"),
        ("filter", "Filter ComputeFilter returned 0 hosts", "nova-compute-filter-returned-none"),
        ("filter", "Filter OurOwnFilter returned 0 hosts", "nova-filter-returned-none"),
        ("console", "handler exception: [Errno 113] EHOSTUNREACH", "nova-console-host-unreachable"),
        ("console", "handler exception: [Errno 111] ECONNREFUSED", "nova-console-refused"),
        ("console", "handler exception: Origin header does not match this host.", "nova-console-origin-refused"),
        ("console", "handler exception: The token 'x' is invalid or has expired", "nova-console-token-invalid"),
        ("migration", f"{_LIBVIRT}nova@cmp2: Permission denied (publickey).: Connection reset by peer",
         "libvirt-remote-login-refused"),
        ("migration", f"{_LIBVIRT}Connection reset by peer", "nova-live-migration-connect-failed"),
        ("migration", "Resize error: not able to execute ssh command: Stderr: Host key verification failed.",
         "nova-resize-ssh-failed"),
        ("migration", "Resize error: not able to execute ssh command: Stderr: ssh: connect to host cmp2 port 22: Connection refused",
         "nova-resize-ssh-unreachable"),
        ("disk", "Cannot access storage file '/v/disk' (as uid:64055, gid:109): Permission denied", "libvirt-disk-permission"),
        ("disk", "Cannot access storage file '/v/disk' (as uid:64055, gid:109): No such file or directory", "nova-disk-not-found"),
        ("disk", "Cannot access storage file '/v/disk' (as uid:64055, gid:109): Input/output error", "disk-io-error"),
        ("disk", "Cannot access storage file '/v/disk' (as uid:64055, gid:109): Stale file handle", "stale-file-handle"),
        ("disk", "Could not open '/v/disk': Permission denied", "libvirt-disk-permission"),
        ("disk", "Could not open '/v/disk': No such file or directory", "qemu-disk-open-failed"),
        ("kernel", "Buffer I/O error on dev dm-7, logical block 1, lost async page write", "kernel-stacked-device-error"),
        ("kernel", "blk_update_request: I/O error, dev sdb, sector 2048", "kernel-disk-error"),
        ("pool", "WARNING: Thin pool vg-pool data is now 95.00% full.", "thin-pool-nearly-full"),
        ("pool", "device-mapper: thin: 253:4: switching pool to out-of-data-space (error IO) mode", "thin-pool-full"),
        ("tables", "Another app is currently holding the xtables lock", "xtables-lock-held"),
        ("tables", "RTNETLINK answers: Operation not permitted", "netlink-not-permitted"),
        ("mount", "Failed to mount nfs1:/c, reason: mount.nfs: access denied by server while mounting nfs1:/c", "nfs-mount-refused"),
        ("mount", "Stderr: 'mount.nfs: Connection timed out'", "nfs-server-unreachable"),
        ("mount", "NFS config file at /etc/cinder/nfs_shares doesn't exist", "cinder-nfs-shares-file-missing"),
        ("tls", "certificate verify failed: certificate has expired (_ssl.c:1006)", "tls-certificate-expired"),
        ("tls", "certificate verify failed: Hostname mismatch, certificate is not valid for 'c'. (_ssl.c:1)", "tls-certificate-name"),
        ("tls", "certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)", "tls-certificate-invalid"),
        ("queue", "Failed to consume message from queue: (404) NOT_FOUND - home node 'rabbit@c2' of durable queue 'q' in vhost '/' "
         "is down or inaccessible", "amqp-home-node-down"),
        ("queue", "failed to perform operation on queue 'q' in vhost '/' due to timeout", "amqp-queue-broken"),
        ("haproxy", "Server nova_api/c1 is DOWN, reason: Layer4 connection problem, info: \"Connection refused\"",
         "haproxy-server-down"),
        ("haproxy", "Server nova_api/c1 is DOWN, reason: Layer7 timeout, check duration: 10001ms", "haproxy-server-silent"),
        ("haproxy", "Server nova_api/c1 is DOWN, reason: Layer7 wrong status, code: 404", "haproxy-check-refused"),
        ("schedule", "Failed to schedule instances: nova.exception_Remote.NoValidHost_Remote: No valid host",
         "nova-scheduler-found-no-host"),
        ("keystone", "Authorization failed. The password is expired and needs to be changed for user: 4f2a. from 10.20.0.11",
         "keystone-password-expired"),
        ("keystone", "Authorization failed. The account is locked for user: 4f2a. from 10.20.0.11", "keystone-account-locked"),
        ("keystone", "Authorization failed. The account is disabled for user: 4f2a. from 10.20.0.11", "keystone-user-disabled"),
        ("keystone", "Project is disabled: 4f2a", "keystone-project-disabled"),
        ("keystone", "User 4f2a has no access to project 0f15", "keystone-role-missing"),
        ("limits", "dnsmasq: failed to create inotify: Too many open files", "inotify-instances-exhausted"),
        ("limits", "inotify_add_watch(9, /dev/vdb, 10) failed: No space left on device", "inotify-watches-exhausted"),
        ("limits", "OSError: [Errno 24] Too many open files: '/a'", "file-descriptors-exhausted"),
        ("limits", "OSError: [Errno 23] Too many open files in system", "kernel-file-table-full"),
        ("limits", 'Failed to create a new network namespace "qrouter-1": No space left on device', "namespace-limit-reached"),
        ("limits", "mkdir /sys/fs/cgroup/memory/machine.slice/4f2a: no space left on device", "cgroup-limit-reached"),
        ("limits", "OSError: [Errno 28] No space left on device: '/var/lib/nova/instances/1'", "disk-full"),
        ("limits", "join session keyring: create session key: disk quota exceeded", "kernel-keys-quota"),
        ("limits", "InnoDB: io_setup() failed with EAGAIN after 5 attempts.", "aio-requests-exhausted"),
        ("limits", "BlockingIOError: [Errno 11] Resource temporarily unavailable", "process-limit-reached"),
        ("limits", "RTNETLINK answers: No buffer space available", "no-buffer-space"),
        ("limits", "Netlink: Receive buffer overrun on monitor socket - (No buffer space available)", "keepalived-netlink-overrun"),
        ("ipset", "Stderr: ipset v6.34: Error in line 131074: Hash is full, cannot add more elements", "ipset-full"),
        ("ipset", "ipset v7.1: Error in line 3: The set with the given name does not exist", "ipset-command-failed"),
        ("galera", "WSREP: failed to open gcomm backend connection: 110: failed to reach primary view (pc.wait_prim_timeout): 110",
         "galera-bootstrap-needed"),
        ("galera", "WSREP: Received NON-PRIMARY.", "galera-no-primary"),
        ("mariadb", "2023-12-27  6:04:01 2 [ERROR] Aborting", "mariadb-aborting"),
        ("mariadb", "[ERROR] mysqld got signal 6 ;", "mariadb-crashed"),
        ("vrrp", "(vip_51) Master received advert from 10.20.0.61 with higher priority 40, ours 30", "keepalived-outranked"),
        ("vrrp", "(vip_51) ip address associated with VRID 51 not present in MASTER advert : 10.20.0.250", "keepalived-id-conflict"),
        ("libvirt", "virNetServerAddClient:266 : Too many active clients (5000), dropping connection", "libvirtd-clients-exhausted"),
        ("libvirt", "qemuMonitorIO:719 : internal error: End of file from qemu monitor", "libvirt-guest-ended"),
        ("target", "CHAP user or password not set for Initiator ACL", "iscsi-target-login-refused"),
        ("target", "No saved config file at /etc/rtslib-fb-target/saveconfig.json, ok, exiting", "iscsi-target-config-missing"),
        ("fencing", "Peer c2 was terminated (reboot) by c1 on behalf of pacemaker-controld: OK", "node-fenced"),
        ("fencing", "Peer c2 was not terminated (reboot) by c1 on behalf of crmd.3012: No data available", "node-fencing-failed"),
        ("fencing", "Cluster node c2 will be fenced: peer is no longer part of the cluster", "node-fencing-planned"),
        ("qemu", "qemu-kvm: load of migration failed: Input/output error", "qemu-migration-stream-broken"),
        ("qemu", "qemu-kvm: load of migration failed: Invalid argument", "qemu-virtio-inconsistent"),
        ("qemu", "qemu-kvm: TLS handshake failed: Error in the certificate verification.", "qemu-tls-refused"),
        ("database", "(2003, \"Can't connect to MySQL server on 'c' ([Errno 13] Permission denied)\")", "db-connect-denied"),
        ("database", "(2003, \"Can't connect to MySQL server on 'c' ([Errno 111] Connection refused)\")", "db-unreachable"),
        ("database", "(2003, \"Can't connect to server on 'c' (110)\")", "db-no-answer"),
        ("avc", 'avc:  denied  { name_connect } for  pid=2011 comm="httpd" dest=3306', "selinux-connect-denied"),
        ("avc", 'avc:  denied  { read } for  pid=1 comm="qemu-kvm" name="disk"', "apparmor-selinux-denied"),
        ("oom", "Out of memory: Killed process 4711 (mysqld) total-vm:4000000kB", "kernel-oom-kill"),
        ("oom", "qemu-system-x86 invoked oom-killer: gfp_mask=0x100cca", "kernel-oom-invoked"),
        ("redis", "redis.exceptions.AuthenticationError: Authentication required.", "redis-login-refused"),
    ],
)  # fmt: skip
def test_each_reason_has_its_own_signature(family: str, text: str, only: str) -> None:
    assert [i for i in _FAMILIES[family] if SIGNATURES[i].find(text)] == [only]


def test_who_refuses_a_migration_is_named_by_the_host_in_its_uri() -> None:
    found = SIGNATURES["libvirt-remote-login-refused"].regex.search(
        f"{_LIBVIRT}nova@cmp2: Permission denied (publickey)."
    )
    assert found is not None
    assert found["host"] == "cmp2"


@pytest.mark.parametrize("name", sorted(s.id for s in SIGNATURES.values() if s.role == "symptom"))
def test_a_symptom_names_or_implies_the_infrastructure_that_it_blames(name: str) -> None:
    signature, graph = SIGNATURES[name], load_topology()
    far = graph.is_infrastructure(signature.blames) and not graph.is_local(signature.blames)
    written_by_others = any(
        signature.written_by(program) and graph.family(graph.component_of(program)) != graph.family(signature.blames)
        for program in knowledge.read("programs.yaml")["programs"]
    )
    if far and written_by_others and graph.family(signature.blames) != "host":
        assert [e for e in signature.examples.match if not graph.is_named(signature.blames, e)] == []


def test_no_failure_has_the_remedy_that_nothing_is_wrong() -> None:
    idle = [s.id for s in SIGNATURES.values() if s.remediation.lower().startswith(("none", "nothing"))]
    assert idle == []
    assert SIGNATURES["libvirt-asked-in-vain"].role == SIGNATURES["libvirt-guest-ended"].role == "context"


def test_no_pattern_takes_a_thing_and_its_contrary_for_the_same() -> None:
    assert [s.id for s in SIGNATURES.values() if "(?:not )?" in s.pattern or "(not )?" in s.pattern] == []


@pytest.mark.parametrize(
    ("name", "text", "filled"),
    [
        ("nova-port-not-usable", "Port 167aebef-1bad-4b11-bd9d-0c09f3276726 not usable for instance 8d05.", "port_id"),
        ("nova-live-migration-connect-failed", "Failed to connect to remote libvirt URI qemu+ssh://cmp-2/system: x", "peer"),
        ("nova-resize-ssh-unreachable", "ssh: connect to host cmp-2 port 22: Connection refused", "peer"),
        ("memcached-timeout", "Timeout talking to memcached: 10.83.0.13:11211", "peer"),
        ("neutron-ip-pool-exhausted", "No more IP addresses available on network 4f2a7a6e-26cc.", "net"),
        ("ceph-pool-quota-set", 'cmd=\'[{"prefix": "osd pool set-quota", "pool": "volumes"}]\': finished', "pool"),
        ("ceph-auth-changed", 'cmd=\'[{"prefix": "auth caps", "entity": "client.glance"}]\': finished', "user"),
        ("kernel-bond-down", "bond0: now running without any active interface!", "device"),
        ("keepalived-outranked", "(vip) Master received advert from 10.20.0.61 with higher priority 40, ours 30", "advertiser"),
        ("kernel-oom-kill", "Out of memory: Killed process 4711 (cinder-backup) total-vm:4000000kB", "binary"),
    ],
)  # fmt: skip
def test_what_the_line_holds_is_put_into_the_advice(name: str, text: str, filled: str) -> None:
    signature = SIGNATURES[name]
    assert f"<{filled}>" in " ".join((*signature.look_next, signature.remediation))
    match = signature.find(text)
    assert match is not None
    assert captures_of(match)[filled]


def test_a_subnet_is_not_put_where_a_network_is_meant() -> None:
    for name, text in (
        ("neutron-ip-pool-exhausted", "No more IP addresses available for subnet 4f2a7a6e-26cc."),
        ("neutron-subnet-in-use", "Unable to complete operation on network 4f2a7a6e-26cc-4b0e-94ea-bf165ffff026: ports still in use"),
    ):  # fmt: skip
        match = SIGNATURES[name].find(text)
        assert match is not None
        assert not {"net", "subnet"} & captures_of(match).keys()
