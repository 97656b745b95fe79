import copy

import polars as pl
import pytest

from openstack_rca import knowledge
from openstack_rca.errors import KnowledgeError
from openstack_rca.templates import mask
from openstack_rca.templates.masks import MAX_CHARACTERS, read_masks

LINES = """
AMQP server on controller:5672 is unreachable: [Errno 111] ECONNREFUSED. Trying again in 2 seconds.
AMQP server on controller:<NUM> is unreachable: [Errno 111] ECONNREFUSED. Trying again in <NUM> seconds.

Creating event network-vif-plugged:167aebef-1bad-4b11-bd9d-0c09f3276726 for instance 8d052470-26cc-4b0e-94ea-bf165ffff026 on compute-2
Creating event network-vif-plugged:<UUID> for instance <UUID> on compute-<NUM>

Took 7.82 seconds to spawn the instance on the hypervisor.
Took <NUM> seconds to spawn the instance on the hypervisor.

127.0.0.1 "POST /v2.1/servers/8d052470-26cc-4b0e-94ea-bf165ffff026/action HTTP/1.1" status: 202 len: 403 time: 0.0923014
<IP> POST /v2.1/servers/<UUID>/action status: 202 len: <NUM> time: <NUM>

127.0.0.1 "GET /v2.0/ports?device_id=8d052470-26cc-4b0e-94ea-bf165ffff026 HTTP/1.1" status: 200  len: 210 time: 0.0584233
<IP> GET /v2.0/ports status: 200 len: <NUM> time: <NUM>

127.0.0.1 - - [22/Nov/2026 08:43:51] "GET /v2/images/snap HTTP/1.1" 404 363 0.017407
<IP> - - [<TIME>] GET /v2/images/snap 404 <NUM> <NUM>

http://controller:8776/v3/b45dccebc5734c76987379e6a8ac272c/volumes returned with HTTP 202
http://<HOST>:8776/v3/<ID>/volumes returned with HTTP 202

oslo_messaging.exceptions.MessagingTimeout: Timed out waiting for a reply to message ID 04edd8e6449c4da39f733d5b79833c7f
oslo_messaging.exceptions.MessagingTimeout: Timed out waiting for a reply to message ID <ID>

(pymysql.err.OperationalError) (1054, "Unknown column 'use_quota' in 'INSERT INTO'")
(pymysql.err.OperationalError) (1054, "Unknown column <STR> in <STR>")

Error writing to /srv/openstack/state/glance/images/a: [Errno 28] No space left on device
Error writing to <PATH>: [Errno 28] No space left on device

Exit code: 4; Cmd: ['ebtables', '-D']; Stdin: ; Stderr: RULE_DELETE failed: rule in chain neutronARP-tap126eb7f7-2c
Exit code: 4; Cmd: <LIST>; Stdin: ; Stderr: RULE_DELETE failed: rule in chain neutronARP-tap<DEV>

Task 'cinder.flows.ExtractVolumeRequestTask;volume:create' (158eb6db-a813-434a-a851-424059bfb698) transitioned into state 'REVERTED' from state 'FAILURE'
Task <STR> (<UUID>) transitioned into state REVERTED from state FAILURE

volume service is down. (host: controller@nfs)
volume service is down. (host: controller@nfs)

closing AMQP connection <0.6319.0> (10.0.0.11:47498 -> 10.0.0.10:5672 - nova-compute:1417:6e47e4f5)
closing AMQP connection <PID> (<IP> -> <IP> - nova-compute:<NUM>:<HEX>)

Final resource view: name=cp-1.utah.example.us phys_ram=64172MB used_ram=2560MB total_vcpus=16 pci_stats=[]
Final resource view: name=<HOST> phys_ram=<SIZE> used_ram=<SIZE> total_vcpus=<NUM> pci_stats=[]

Bridge is up: True, admin_state_up=False
Bridge is up: True, admin_state_up=False
"""  # noqa: E501
PAIRS = [tuple(block.split("\n")) for block in LINES.strip().split("\n\n")]


@pytest.mark.parametrize(("line", "expected"), PAIRS)
def test_line_and_its_masked_text(line, expected):
    assert mask(pl.Series([line])).to_list() == [expected]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"POST /v2.1/servers HTTP/1.1" status: 403', '"POST /v2.1/servers HTTP/1.1" status: 202'),
        ('"POST /v2.1/servers HTTP/1.1" status: 202', '"POST /v2.1/os-keypairs HTTP/1.1" status: 202'),
        ('"PUT /v2.1/servers HTTP/1.1" status: 202', '"POST /v2.1/servers HTTP/1.1" status: 202'),
        ("OSError: [Errno 28] No", "OSError: [Errno 111] No"),
        ("Error) (2003, 'x')", "Error) (1213, 'x')"),
        ("Basic.cancel: (404) NOT_FOUND", "Basic.cancel: (403) NOT_FOUND"),
        ("CMD 'x' returned: 0 in 1s", "CMD 'x' returned: 1 in 1s"),
        ("killed by signal 9", "killed by signal 15"),
        ("Filter X returned 0 hosts", "Filter X returned 7 hosts"),
        ("status 'ACTIVE'", "status 'ERROR'"),
        ("enabled=True", "enabled=False"),
        ("http://c:9696/v2.0", "http://c:8776/v2.0"),
    ],
)
def test_what_carries_meaning_stays(one, other):
    first, second = mask(pl.Series([one, other]))
    assert first != second


def test_name_order_length_and_repeats_are_kept():
    got = mask(pl.Series("text", ["b 1", "a 2", None, "b 3", ""]))
    assert got.name == "text"
    assert got.to_list() == ["b <NUM>", "a <NUM>", "", "b <NUM>", ""]


def test_only_the_first_line_counts():
    got = mask(pl.Series(["\n  Failed 3 times\nTraceback", "Failed 4 times"]))
    assert got.to_list() == ["Failed <NUM> times"] * 2


def test_long_messages_are_cut_at_the_limit():
    dump = "Options: {" + ", ".join(f"'key{i}': 'value'" for i in range(5000))
    words = "word " * 10_000
    got = mask(pl.Series([dump, words, "x" * MAX_CHARACTERS]))
    assert got[0] == "Options: <DICT>"
    assert len(got[1]) == MAX_CHARACTERS + 1
    assert got[1].endswith("…")
    assert got[2] == "x" * MAX_CHARACTERS


def test_odd_characters_pass():
    odd = ["\x00", "a\x00b 7", "…", "naïve 三 7", "\udc80".encode("utf-8", "replace").decode(), "'" * 999, "{" * 999]
    assert mask(pl.Series(odd)).len() == len(odd)
    assert mask(pl.Series(["a\x00b 7", "naïve 三 7"])).to_list() == ["a\x00b <NUM>", "naïve 三 <NUM>"]


def test_every_step_has_an_example_that_it_changes():
    data = knowledge.read("masks.yaml")
    for part in ("steps", "statement"):
        for step in data[part]:
            assert any(raw != masked for raw, masked in step["examples"].items()), step["name"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda step: step["examples"].update({"a 1": "a 1"}), "turns 'a 1' into 'a <NUM>', but its example says"),
        (lambda step: step.update(find="(?=x)"), "pattern that cannot be used"),
        (lambda step: step.pop("examples"), "incomplete"),
        (lambda step: step.pop("put"), "incomplete"),
    ],
)
def test_masks_that_contradict_themselves_are_refused(change, sentence):
    data = copy.deepcopy(knowledge.read("masks.yaml"))
    change(data["steps"][0])
    with pytest.raises(KnowledgeError, match=sentence):
        read_masks(data)
