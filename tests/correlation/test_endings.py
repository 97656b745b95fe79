from typing import Any

import polars as pl
import pytest
from tests.correlation.tables import at, log_table, novel
from tests.diagnosis.clues import clue

from openstack_rca.correlation import as_cut, ending_clues, load_topology, once_told, proxy_clues
from openstack_rca.records import Clue, Question

GRAPH = load_topology()
Row = dict[str, Any]


def http(state: str, status: int = 503, *, to: str = "nova_api_back/<NOSRV>", waited: int = 0, took: int = -1) -> Row:
    text = (
        f"10.20.0.15:40952 [14/May/2024:10:14:02.085] nova_api_front~ {to} 0/{waited}/0/{took}/+{waited + max(took, 0)} {status} "
        f'8383 - - {state} 1000/500/3/1/0 0/0 {{curl|}} "GET /v2.1/servers/detail HTTP/1.1"'
    )
    return {"service": "haproxy", "host": "ctl1", "message": text}


def tcp(state: str, to: str = "mariadb/<NOSRV>") -> Row:
    text = f"10.77.0.12:60012 [29/Nov/2026:18:57:00.094] mariadb {to} 1/-1/5127 68194 {state} 84/65/64/64/0 0/0"
    return {"service": "haproxy", "host": "ctl1", "message": text}


def served(number: int, waited: int = 0, took: int = 30) -> list[Row]:
    return [http("----", 200, to=f"nova_api_back/ctl{n % 3}", waited=waited, took=took) for n in range(number)]


def found(*rows: Row, baseline: list[Row] | None = None, statuses: tuple[int, ...] = ()) -> list[Clue]:
    reference = None if baseline is None else log_table(*baseline)
    return ending_clues(novel(log_table(*rows)), reference, Question("", statuses=statuses), GRAPH)


def test_requests_that_wait_in_vain_for_a_connection_show_the_limit_of_the_proxy() -> None:
    (queue,) = found(
        *served(6), *[http("sQ--", waited=60001)] * 3, *served(2, waited=42500), baseline=served(50), statuses=(503,)
    )
    assert (queue.component, queue.host, queue.type, queue.role) == ("haproxy", "ctl1", "resource-exhaustion", "cause")
    assert (queue.kind, queue.exculpates) == ("wait", "nova-api")
    assert (queue.records, queue.count, queue.first, queue.last) == ((6, 7, 8, 9, 10), 5, at(6), at(10))
    assert "no free connection to nova-api for 3 of 5 sessions since 08:00:06 (state sQ with 503)" in queue.statement
    assert "2 others waited for one for up to 42 s" in queue.statement
    assert "up to 1000 connections, 3 to this backend" in queue.statement
    assert "maxconn" in queue.remediation


def test_requests_that_only_wait_for_a_connection_show_it_as_well() -> None:
    (queue,) = found(*served(5), *served(10, waited=1200))
    assert (queue.component, queue.count) == ("haproxy", 10)
    assert found(*served(5), *served(9, waited=1200)) == []
    assert found(*served(5), *served(20, waited=900)) == []


def test_a_queue_before_servers_that_became_slow_is_theirs() -> None:
    (queue,) = found(*served(5, took=30), *served(10, waited=5000, took=4000))
    assert (queue.component, queue.type, queue.exculpates) == ("nova-api", "timeout", None)
    assert "take 4.0 s for an answer where they took 0.0 s" in queue.statement


@pytest.mark.parametrize(
    ("rows", "component", "host", "kind", "role", "says"),
    [
        ([http("SC--")] * 3, "nova-api", None, "service-down", "cause", "taking no connections in 3 of 3 sessions"),
        ([http("SC--", to="nova_api_os_compute-back/ctl2")] * 3, "nova-api", "ctl2", "service-down", "cause", "server ctl2"),
        ([tcp("SC")] * 3, "mariadb", None, "service-down", "cause", "(state SC)"),
        ([tcp("sC", "rabbitmq/ctl3.internal")] * 3, "rabbitmq", "ctl3", "timeout", "cause", "no answer when it connected"),
        ([http("sH--", 504, to="cinder/ctl2")] * 3, "cinder-api", "ctl2", "timeout", "symptom", "(state sH with 504, server ctl2)"),
        ([http("SH--", 502, to="cinder/ctl2")] * 3, "cinder-api", "ctl2", "service-down", "symptom", "in the middle of 3 of 3"),
        ([http("PR--", 403)] * 3, "haproxy", "ctl1", "misconfiguration", "cause", "refused by a rule of its own 3 of 3 sessions"),
        ([http("PT--", 500)] * 3, "haproxy", "ctl1", "misconfiguration", "cause", "sessions since 08:00:00 to nova-api"),
        ([http("PH--", 502, to="glance_api/ctl1")] * 3, "haproxy", "ctl1", "misconfiguration", "cause", "what glance-api answered"),
        ([http("PC--", 503)] * 3, "haproxy", "ctl1", "resource-exhaustion", "cause", "no socket, memory or source port"),
    ],
)  # fmt: skip
def test_what_an_ending_says(
    rows: list[Row], component: str, host: str | None, kind: str, role: str, says: str
) -> None:
    (ending,) = found(*rows)
    assert (ending.component, ending.host, ending.type, ending.role) == (component, host, kind, role)
    assert says in ending.statement
    assert ending.reporter == "haproxy"


@pytest.mark.parametrize("state", ["----", "cD--", "CD--", "LR--", "CC--", "cR--", "D---"])
def test_what_a_client_ends_or_the_proxy_answers_itself_is_no_failure(state: str) -> None:
    assert found(*[http(state, 200)] * 20) == []
    assert found(*[tcp(state[:2])] * 20) == []


def test_few_sessions_and_what_a_port_scanner_sends_say_nothing() -> None:
    assert found(*[http("SC--")] * 2) == []
    assert found(*[http("PR--", 400)] * 20) == []
    assert found({"service": "haproxy", "message": "Server nova_api_back/ctl1 is UP"}, *[http("SC--")] * 2) == []
    assert found(*[http("SC--") | {"service": "nova-api"}] * 3) == []


def test_what_is_as_frequent_in_health_is_no_news() -> None:
    usual = [http("sH--", 504, to="nova_api_back/ctl1")] * 5
    assert found(*usual, *served(95), baseline=[*usual, *served(95)]) == []
    assert found(*usual, *served(10), baseline=[*usual, *served(95)]) != []


def test_answers_that_the_issue_names_and_those_of_all_calls_weigh_more() -> None:
    def weight(*rows: Row, statuses: tuple[int, ...] = (), novelty: float = 0.2) -> float:
        table = log_table(*rows).with_columns(novelty=pl.lit(novelty))
        return ending_clues(table, None, Question("", statuses=statuses), GRAPH)[0].weight

    late = [http("sH--", 504, to="nova_api_back/ctl1")]
    assert weight(*late * 3, statuses=(504,)) > weight(*late * 3, statuses=(500,))
    assert weight(*late * 3, novelty=0.9) > weight(*late * 3)
    assert weight(*late * 3) > weight(*late, *served(9), *late, *late)


def test_single_sessions_are_not_told_again() -> None:
    (refused,) = found(*[http("SC--")] * 3)
    again = clue("nova-api", finding="haproxy-no-server", reporter="haproxy")
    other = clue("keystone", finding="haproxy-no-server", reporter="haproxy")
    assert once_told([refused, again, other]) == [refused, other]
    (queue,) = found(*[http("sQ--", waited=60001)] * 3)
    assert once_told([again, queue]) == [queue]


def test_services_that_the_proxy_gives_up_too_soon_are_still_its_own_fault() -> None:
    def cut(backend: str) -> Row:
        return http("sH--", 504, to=f"{backend}/ctl1", took=-1) | {
            "message": f'10.0.0.9:60086 [x] {backend} {backend}/ctl1 0/0/1/-1/1001 504 198 - - sH-- 4/2/1/1/0 0/0 "GET / HTTP/1.1"'
        }

    table = novel(log_table(*[cut("keystone_back")] * 3, *[cut("nova_api_back")] * 3))
    short, late = proxy_clues(table), ending_clues(table, None, Question(""), GRAPH)
    assert len(late) == 2
    changed = as_cut([*short, *late], table)
    assert changed[0] == short[0]
    assert all(c.weight < 0.2 for c in changed[1:])
