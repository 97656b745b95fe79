from typing import Any

import pytest
from tests.correlation.tables import at, log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import as_dropped, load_topology
from openstack_rca.records import Clue

GRAPH = load_topology()
Row = dict[str, Any]


def drop(
    second: float = 10, port: int = 6200, prefix: str = "[UFW BLOCK] ", source: str = "10.20.0.11", **changes: Any
) -> Row:
    target = changes.pop("target", "10.20.0.32")
    text = (
        f"{prefix}IN=eth1 OUT= MAC=00:16:3e:aa:01:02 SRC={source} DST={target} LEN=60 TOS=0x00 TTL=64 ID=27722 DF PROTO=TCP "
        f"SPT=59565 DPT={port} WINDOW=64240 RES=0x00 SYN URGP=0"
    )
    return {"service": "kernel", "host": "stor2", "message": text, "at": second, **changes}


def failed(
    text: str = "ERROR with Object server 10.20.0.32:6200/sdb: ConnectionTimeout (0.5s)", second: float = 12
) -> Row:
    return {"service": "swift-proxy-server", "host": "infra1", "message": text, "at": second}


def complaint(component: str = "swift-object", kind: str = "service-down", **changes: Any) -> Clue:
    return clue(component, 0.6, type=kind, reporter="swift-proxy", **{"records": (1,), **changes})


def judged(*rows: Row, of: Clue | None = None) -> list[Clue]:
    return as_dropped([of or complaint()], log_table(*rows), GRAPH)


@pytest.mark.parametrize(
    "prefix",
    ["[UFW BLOCK] ", "[UFW LIMIT BLOCK] ", "[812949.807349] FINAL_REJECT: ", "filter_IN_public_DROP: ", "nft input ", ""],
)  # fmt: skip
def test_a_connection_whose_packets_a_firewall_dropped_is_its_fault_and_not_of_who_was_called(prefix: str) -> None:
    kept, found = judged(drop(prefix=prefix), failed())
    assert kept.weight < 0.15
    assert (found.component, found.host, found.type, found.role) == ("host", "stor2", "network", "cause")
    assert (found.records, found.count, found.first, found.exculpates) == ((0, 1), 1, at(10), "swift-object")
    assert "of stor2 dropped 1 packet from 10.20.0.11 to 10.20.0.32, port 6200, since 08:00:10" in found.statement
    assert "port 6200" in found.remediation


def test_each_host_that_dropped_has_a_clue_and_all_are_named() -> None:
    other = drop(11, target="10.20.0.33", host="stor3")
    both = "Object server 10.20.0.32:6200/sdb timed out, Object server 10.20.0.33:6200/sdb timed out"
    kept, one, two = judged(drop(), failed(both), other, drop(12.5, source="10.20.0.12"))
    assert kept.weight < one.weight
    assert [one.host, two.host] == ["stor2", "stor3"]
    assert one.statement == two.statement
    assert "stor2 and stor3 dropped 3 packets from 10.20.0.11 and 10.20.0.12" in one.statement


@pytest.mark.parametrize(
    ("text", "component", "port"),
    [
        ("HTTPConnectionPool(host='10.20.0.32', port=8774): Max retries exceeded", "nova-api", 8774),
        ("[Errno 113] EHOSTUNREACH ('10.20.0.32', 5672)", "rabbitmq", 5672),
        ("connect to stor2.internal:9696 timed out", "neutron-server", 9696),
        ("ssh: connect to host 10.20.0.32 port 22: Connection timed out", "nova-compute", 22),
        (
            "at 14:02:11: Can't connect to MySQL server on '10.20.0.32' ([Errno 110] Connection timed out)",
            "mariadb",
            3306,
        ),
        ("tcp:[fd00::20]:6642: connection attempt timed out", "ovn-sb", 6642),
    ],
)
def test_address_and_port_are_found_however_they_are_written(text: str, component: str, port: int) -> None:
    target, source = (
        ("fd00:0000:0000:0000:0000:0000:0000:0020", "fd00::1") if "fd00" in text else ("10.20.0.32", "10.20.0.11")
    )
    found = judged(drop(port=port, target=target, source=source), failed(text), of=complaint(component, "timeout"))
    assert [c.component for c in found] == [component, "host"]


@pytest.mark.parametrize(
    "rows",
    [
        [drop(port=6201), failed()],
        [drop(target="10.20.0.40"), failed()],
        [drop(second=90), failed()],
        [drop(second=10), failed(second=300)],
        [drop(prefix="[UFW ALLOW] "), failed()],
        [drop(prefix="ACCEPTED: "), failed()],
        [drop(source="8.8.4.4"), failed()],
        [drop(source="8.8.4.4", target="93.184.216.34"), failed("Object server 93.184.216.34:6200 timed out")],
        [drop(at=None), failed()],
        [drop(), failed("Object server swift-3 timed out")],
    ],
    ids=[
        "port",
        "address",
        "later",
        "long before",
        "allowed",
        "accepted",
        "outside",
        "internet",
        "no time",
        "no address",
    ],
)
def test_packets_for_others_are_noise(rows: list[Row]) -> None:
    assert judged(*rows) == [complaint()]


def test_what_tells_of_no_connection_or_mostly_of_other_places_stays() -> None:
    rows = (
        drop(),
        failed(),
        failed("Object server 10.20.0.99:6200 timed out"),
        failed("Object server 10.20.0.98:6200 gone"),
    )
    for kept in (
        complaint(kind="storage"),
        complaint(role="context"),
        complaint(records=(1, 2, 3)),
        complaint(records=()),
    ):
        assert judged(*rows, of=kept) == [kept]
    assert len(judged(*rows, of=complaint(records=(1, 2)))) == 2


def test_without_a_firewall_nothing_is_looked_for() -> None:
    assert judged(failed(), failed()) == [complaint()]
    assert judged({"message": "DPT=6200 without more"}, failed()) == [complaint()]
