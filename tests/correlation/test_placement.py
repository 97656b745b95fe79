from typing import Any

import polars as pl
import pytest
from tests.correlation.tables import at, log_table

from openstack_rca.correlation import lost_candidates, refused_batches
from openstack_rca.records import Clue

Row = dict[str, Any]
SERVERS = [f"{n}1111111-2222-3333-4444-555555555555" for n in range(8)]


def call(when: float, method: str, path: str, size: int = 0, status: int = 200) -> Row:
    message = f'10.0.0.1 "{method} {path}" status: {status} len: {size} microversion: 1.36'
    return {"at": when, "service": "placement-api", "message": message}


def asked(when: float, size: int = 53, resources: str = "VCPU%3A1") -> Row:
    return call(when, "GET", f"/allocation_candidates?limit=1000&resources={resources}", size)


def claim(when: float, server: int, method: str = "PUT") -> Row:
    return call(when, method, f"/allocations/{SERVERS[server]}", status=204)


def known(*servers: int) -> list[Row]:
    return [
        {"at": 0, "service": "nova-compute", "message": f"[instance: {SERVERS[n]}] Attempting claim"} for n in servers
    ]


def found(*rows: Row) -> list[Clue]:
    return lost_candidates(log_table(*sorted(rows, key=lambda r: r["at"])))


HEALTHY = [*known(0, 1), asked(1, 2000), claim(2, 0)]
EMPTY = [asked(10), asked(20)]


def test_no_candidates_while_no_more_is_taken_than_before_is_placements_own_fault() -> None:
    (clue,) = found(*HEALTHY, claim(5, 0, "DELETE"), *EMPTY)
    assert (clue.component, clue.type, clue.role) == ("placement-api", "bug", "cause")
    assert (clue.first, clue.last) == (at(10), at(20))


def test_candidates_are_lost_even_where_nobody_claimed_any() -> None:
    (clue,) = found(*known(0), asked(1, 2000), *EMPTY)
    assert clue.type == "bug"


def test_allocations_of_consumers_that_nobody_knows_leaked() -> None:
    audit = [
        {"at": 12, "service": "nova-compute",
         "message": f"Instance {SERVERS[n]} has allocations against this compute host but is not found in the database."}
        for n in (5, 6)
    ]  # fmt: skip
    (clue,) = found(*HEALTHY, claim(5, 5), claim(6, 6), *EMPTY, *audit)
    assert (clue.type, clue.first) == ("data-corruption", at(5))
    assert "2 allocations were made for consumers that no other log names" in clue.statement
    proxied = [
        {"at": 6, "service": "nginx", "message": f'"PUT /allocations/{SERVERS[n]} HTTP/1.1" 204'} for n in (5, 6)
    ]
    assert len(found(*HEALTHY, claim(5, 5), claim(6, 6), *EMPTY[:1], *proxied)) == 1, (
        "once refused, named by the proxy only"
    )


RELEASED = [*HEALTHY, claim(5, 0, "DELETE")]
BIGGER = [asked(when, resources="VCPU%3A64") for when in (10, 20)]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([*HEALTHY, *EMPTY], id="servers took what there was"),
        pytest.param([*RELEASED, call(6, "PUT", "/resource_providers/x/inventories"), *EMPTY], id="a host changed"),
        pytest.param([*RELEASED, *BIGGER], id="another request"),
        pytest.param([*RELEASED, asked(10), asked(20, 2000)], id="once only"),
        pytest.param([claim(1, 0, "DELETE"), *EMPTY], id="never had any"),
        pytest.param([r for r in (*HEALTHY, claim(5, 5), claim(6, 6), *EMPTY) if r["service"] != "nova-compute"], id="nova unseen"),
    ],
)  # fmt: skip
def test_a_good_reason_accuses_nobody(rows: list[Row]) -> None:
    assert found(*rows) == []


def test_uwsgis_log_is_read_where_placement_has_none_of_its_own() -> None:
    def uwsgi(row: Row) -> Row:
        _, method, path, *_ = row["message"].replace('"', "").split()
        size = row["message"].split("len: ")[1].split()[0]
        answer = f"=> generated {size} bytes in 20 msecs (HTTP/1.1 200) 7 headers"
        return row | {"message": f"[pid: 7|app: 0|req: 1/1] 10.0.0.1 () {{34 vars}} [x] {method} {path} {answer}"}

    rows = (*HEALTHY, claim(5, 0, "DELETE"), *EMPTY)
    assert len(found(*(uwsgi(r) if r["service"] == "placement-api" else r for r in rows))) == 1


def batch(*answers: tuple[int, int], root: str = "r1") -> list[Clue]:
    """Clues about claims of one request, each (server, status of placement's answer)."""
    rows = [
        call(n, "PUT", f"/allocations/{SERVERS[server]}", status=status) for n, (server, status) in enumerate(answers)
    ]
    return refused_batches(log_table(*rows).with_columns(root=pl.lit(root)))


def test_a_request_of_which_only_some_servers_fit_asks_for_too_much() -> None:
    (clue,) = batch((0, 204), (1, 204), (2, 409), (2, 409))
    assert (clue.component, clue.type, clue.exculpates) == ("nova-scheduler", "resource-exhaustion", "nova-compute")
    assert clue.records == (2, 3)
    assert "granted 2 servers" in clue.statement


@pytest.mark.parametrize(
    "answers",
    [((0, 204), (1, 204)), ((0, 409), (0, 409)), ((0, 204), (1, 409), (1, 204)), ((0, 204), (1, 503))],
    ids=["all fit", "none fits", "another host took it", "an error"],
)
def test_a_request_that_fits_or_fails_otherwise_is_none(answers: tuple[tuple[int, int], ...]) -> None:
    assert batch(*answers) == []
