"""One text, several reasons: each reason has its own signature, and none of its siblings finds it too."""

import pytest

from openstack_rca.signatures import load_signatures

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
        ("redis", "redis.exceptions.AuthenticationError: Authentication required.", "redis-login-refused"),
    ],
)  # fmt: skip
def test_each_reason_has_its_own_signature(family: str, text: str, only: str) -> None:
    assert [i for i in _FAMILIES[family] if SIGNATURES[i].regex.search(text)] == [only]


def test_who_refuses_a_migration_is_named_by_the_host_in_its_uri() -> None:
    found = SIGNATURES["libvirt-remote-login-refused"].regex.search(
        f"{_LIBVIRT}nova@cmp2: Permission denied (publickey)."
    )
    assert found is not None
    assert found["host"] == "cmp2"
