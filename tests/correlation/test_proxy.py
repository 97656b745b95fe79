from typing import Any

import pytest
from tests.correlation.tables import at, log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import as_cut, load_topology, proxy_clues, stalls

Row = dict[str, Any]


def answered(backend: str, milliseconds: int, ending: str = "sH--", host: str = "ctl-1", at: float = 10) -> Row:
    text = (
        f"10.0.0.9:60086 [29/Nov/2026:17:42:11.944] {backend}_front~ {backend}_back/ctl-2 0/0/1/-1/{milliseconds} 504 198 "
        f'- - {ending} 4/2/1/1/0 0/0 "POST /v3/auth/tokens HTTP/1.1"'
    )
    return {"service": "haproxy", "host": host, "message": text, "at": at}


SHORT = [answered("keystone", 1001, at=10), answered("nova_api", 1007, at=20), answered("neutron_server", 1071, at=30)]


def test_services_cut_after_the_same_short_time_show_the_limit_of_the_proxy() -> None:
    (found,) = proxy_clues(log_table(*SHORT))
    assert (found.component, found.host, found.type, found.role) == ("haproxy", "ctl-1", "misconfiguration", "cause")
    assert "keystone, neutron and nova after 1.0 s" in found.statement
    assert (found.records, found.count, found.first, found.last) == ((0, 1, 2), 3, at(10), at(30))


def test_an_ingress_with_too_short_a_limit_is_found_by_its_own_access_lines() -> None:
    def refused(service: str, seconds: float) -> Row:
        text = (
            f'10.81.0.100 - - [30/Nov/2026:09:46:15 +0000] "POST /x HTTP/1.1" 504 160 "-" "openstacksdk/4" 487 {seconds} '
            f"[openstack-{service}-api-5000] [] 10.244.0.81:8004 0 {seconds} 504 83ae"
        )
        return {"service": "nginx", "message": text}

    (found,) = proxy_clues(log_table(refused("keystone", 1.001), refused("nova", 1.002), refused("nova", 1.0)))
    assert (found.component, found.count) == ("nginx", 3)
    assert "keystone and nova after 1.0 s" in found.statement
    assert "'proxy_read_timeout' is too short" in found.statement
    assert proxy_clues(log_table(refused("keystone", 60.001), refused("nova", 60.002))) == []


@pytest.mark.parametrize(
    "rows",
    [
        [answered("keystone", 60001), answered("nova_api", 60003)],
        [answered("keystone", 1001), answered("nova_api", 3007)],
        [answered("nova_api", 1001), answered("nova_metadata", 1002)],
        [answered("keystone", 1001, "cH--"), answered("nova_api", 1001, "----")],
        [answered("keystone", 1001), answered("nova_api", 1001, host="ctl-2")],
    ],
    ids=["the usual limit", "times vary", "one service", "cut by others", "two proxies"],
)
def test_else_the_proxy_is_not_to_blame(rows: list[Row]) -> None:
    assert proxy_clues(log_table(*rows)) == []


def test_longer_waits_at_other_times_do_not_hide_the_limit() -> None:
    assert len(proxy_clues(log_table(*SHORT, answered("cinder_api", 60001)))) == 1


def test_who_was_cut_and_whose_client_had_gone_is_not_at_fault() -> None:
    late = {"service": "keystone", "message": "Unhandled error: OSError: write error", "at": 12}
    own = {"service": "keystone", "message": "KeyError: 'id'", "at": 13}
    table = log_table(*SHORT, late, own)
    (proxy,) = proxy_clues(table)
    cut, gone = clue("nova-api", records=(1,)), clue("keystone", records=(3,))
    bug, both, unproven = clue("keystone", records=(4,)), clue("keystone", records=(3, 4)), clue("keystone", records=())
    changed = as_cut([proxy, cut, gone, bug, both, unproven], table)
    assert [c.weight < 0.2 for c in changed] == [False, True, True, False, False, False]
    assert as_cut([cut, gone], table) == [cut, gone]


def test_an_answer_that_found_no_client_before_any_cut_is_another_matter() -> None:
    table = log_table({"service": "keystone", "message": "OSError: write error", "at": 1}, *SHORT)
    early = clue("keystone", records=(0,))
    assert as_cut([*proxy_clues(table), early], table)[1:] == [early]


def test_cut_requests_are_no_stall_of_the_database() -> None:
    table = log_table(*SHORT)
    waited = [
        clue(name, 0.5, type="timeout", role="symptom", reporter="haproxy", records=(record,))
        for record, name in enumerate(["keystone", "nova-api", "neutron-server"])
    ]
    clues = [*proxy_clues(table), *waited]
    assert stalls(clues, load_topology()) != []
    assert stalls(as_cut(clues, table), load_topology()) == []
