from typing import Any

import pytest
from tests.correlation.tables import at, log_table

from openstack_rca.correlation import load_topology, waits, with_root
from openstack_rca.records import Clue

GRAPH = load_topology()
Row = dict[str, Any]


def line(when: float, service: str, request: str, message: str = "working") -> Row:
    return {"at": when, "service": service, "request_id": f"req-{request}", "message": message}


def answered(when: float, service: str, request: str, seconds: float) -> Row:
    return line(
        when, service, request, f'10.0.0.1 "POST /v2.1/servers HTTP/1.1" status: 202 len: 9 time: {seconds:.6f}'
    )


def slow(request: str, end: float, seconds: float, awaited: str = "glance-api", caller: str = "nova-api") -> list[Row]:
    """A request that waited for somebody nearly all of its time."""
    return [line(end - 0.2, awaited, request), answered(end, caller, request, seconds)]


def found(*rows: Row) -> list[Clue]:
    return waits(with_root(log_table(*sorted(rows, key=lambda r: r["at"]))), GRAPH)


def test_who_writes_first_after_a_long_pause_was_waited_for() -> None:
    (wait,) = found(*slow("a", 70, 60), *slow("b", 70, 40))
    assert (wait.component, wait.type, wait.role, wait.count) == ("glance-api", "timeout", "cause", 2)
    assert wait.reporter == "nova-api"
    assert (wait.first, wait.last) == (at(10), at(30))
    assert len(wait.records) == 4


@pytest.mark.parametrize(("seconds", "clues"), [(9.0, 0), (25.0, 0), (35.0, 1)])
def test_a_single_request_must_be_very_slow(seconds: float, clues: int) -> None:
    assert len(found(*slow("a", 70, seconds))) == clues


def test_requests_that_waited_for_different_programs_accuse_nobody() -> None:
    assert found(*slow("a", 70, 60), *slow("b", 70, 60, awaited="neutron-server")) == []


def test_a_program_that_worked_meanwhile_was_called_late() -> None:
    assert found(*slow("a", 70, 60), *slow("b", 70, 60), line(40, "glance-api", "other")) == []


def test_one_whom_the_caller_does_not_need_was_not_waited_for() -> None:
    assert found(*slow("a", 70, 60, awaited="nova-api", caller="keystone")) == []


def test_a_request_that_wrote_all_the_time_did_not_wait() -> None:
    busy = [line(when, "nova-api", "a") for when in range(10, 70, 5)]
    assert found(*slow("a", 70, 60), *busy) == []


def test_where_the_callee_was_slow_itself_the_callee_tells_why() -> None:
    rows = [answered(69.9, "neutron-server", "a", 59.0), answered(70, "nova-api", "a", 60.0)]
    assert found(*rows) == []


LATE, QUICK = 11.0, 0.1


def validated(when: float, seconds: float = QUICK) -> Row:
    message = (
        "[pid: 7|app: 0|req: 1/2] 10.0.0.1 () {34 vars in 814 bytes} [x] GET /v3/auth/tokens => generated 41 bytes in "
    )
    return {
        "at": when,
        "service": "keystone",
        "message": f"{message}{seconds * 1000:.0f} msecs (HTTP/1.1 200) 5 headers",
    }


def glance(when: float, seconds: float) -> Row:
    return {"at": when, "service": "glance-api", "message": f'"GET /v2/images HTTP/1.1" 200 12 {seconds:.6f}'}


def late_ones() -> list[Row]:
    apis = ("nova-api", "neutron-server")
    return [*(answered(when, api, str(when), LATE) for when in (20, 30) for api in apis), glance(21, LATE)]


WELL = [validated(when) for when in (12, 14, 16)]


def test_all_late_at_once_while_keystone_is_quick_wait_for_the_cache_of_tokens() -> None:
    (late,) = found(*late_ones(), *WELL)
    assert (late.component, late.type, late.role, late.count) == ("memcached", "timeout", "cause", 5)
    assert (late.first, late.last) == (at(9), at(30))
    assert "glance-api, neutron-server and nova-api answered late" in late.statement


def test_it_does_not_matter_what_was_quick_before_and_after() -> None:
    healthy = [glance(when, QUICK) for when in (1, 2, 3, 40, 41, 42)]
    assert len(found(*late_ones(), *WELL, *healthy)) == 1


def test_where_keystone_answered_nothing_meanwhile_all_waited_for_it() -> None:
    (late,) = found(*late_ones(), *(validated(when) for when in (1, 2, 40)))
    assert (late.component, late.type, late.reporter) == ("keystone", "timeout", "glance-api")


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="keystone unseen"),
        pytest.param([validated(when) for when in (1, 2, 20)], id="keystone answered while they still waited"),
        pytest.param([validated(when, LATE) for when in (12, 14, 16)], id="keystone late as well"),
        pytest.param([*WELL, *(glance(when, QUICK) for when in (12, 13))], id="one of three quick"),
    ],
)
def test_all_late_accuse_no_cache_where_something_else_may_be_the_reason(others: list[Row]) -> None:
    assert found(*late_ones(), *others) == []


def ports(when: float, seconds: float, method: str = "POST", request: str | None = None) -> Row:
    text = f'10.0.0.1 "{method} /v2.0/ports HTTP/1.1" status: 201 len: 9 time: {seconds:.6f}'
    return line(when, "neutron-server", request or f"{method}{when}", text)


QUICK_LISTS = [ports(when, QUICK, "GET") for when in (50, 55, 60)]


def test_one_kind_of_call_that_alone_is_slow_is_slow_inside() -> None:
    (clue,) = found(ports(60, 40), ports(80, 41), *QUICK_LISTS)
    assert (clue.component, clue.type, clue.count) == ("neutron-server", "bug", 2)
    assert "3 of its 3 other answers came at once" in clue.statement
    assert (clue.first, clue.last) == (at(20), at(80))


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([ports(60, 40), *QUICK_LISTS], id="once"),
        pytest.param([ports(60, 40), ports(80, 41), *(ports(when, 12, "GET") for when in (50, 55, 60))], id="all slow"),
        pytest.param([ports(60, 40), ports(80, 41)], id="no other calls"),
        pytest.param([ports(60, 40), ports(80, 41), ports(70, 40, "DELETE"), *QUICK_LISTS], id="another kind as well"),
        pytest.param([*(r for when in (60, 80) for r in (ports(when, 40, request=f"{when}"), line(when - 9, "nova-api", f"{when}"))),
                      *QUICK_LISTS], id="another wrote for it"),
    ],
)  # fmt: skip
def test_a_slow_call_may_have_other_reasons(rows: list[Row]) -> None:
    assert found(*rows) == []


RELEASED = [ports(90, seconds, method) for seconds, method in ((70, "POST"), (55, "DELETE"), (40, "PUT"))]


def test_what_began_apart_and_ended_at_once_waited_for_a_lock() -> None:
    (clue,) = found(*RELEASED, *QUICK_LISTS)
    assert (clue.component, clue.type, clue.reporter, clue.count) == ("mariadb", "timeout", "neutron-server", 3)
    assert (clue.first, clue.last) == (at(20), at(90))
    assert "waited up to 70 s and were all answered at" in clue.statement


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([*RELEASED[:2], *QUICK_LISTS], id="only two"),
        pytest.param(RELEASED, id="nothing was answered meanwhile, so the whole program stood still"),
        pytest.param([*(ports(90, s, m) for s, m in ((40, "POST"), (39, "PUT"), (38, "DELETE"))), *QUICK_LISTS], id="began together"),
        pytest.param([*(ports(w, 40, m) for w, m in ((70, "POST"), (80, "PUT"), (90, "DELETE"))), *QUICK_LISTS], id="ended apart"),
    ],
)  # fmt: skip
def test_no_lock_without_such_a_release(rows: list[Row]) -> None:
    assert [c for c in found(*rows) if c.component == "mariadb"] == []


def test_whoever_was_waited_for_released_them() -> None:
    quick = [answered(when, "nova-api", f"quick{when}", QUICK) for when in (30, 40, 50)]
    (wait,) = found(*slow("a", 70, 60), *slow("b", 70, 45), *slow("c", 70, 30), *quick)
    assert wait.component == "glance-api"


def test_the_data_of_an_image_may_take_their_time() -> None:
    text = '"GET /v2/images/00000000-1111-2222-3333-444444444444/file HTTP/1.1" 200 99 60.000000'
    downloads = [line(when, "glance-api", str(when), text) for when in (60, 80)]
    assert found(*downloads, *(glance(when, QUICK) | {"request_id": f"req-{when}"} for when in (50, 55, 60))) == []
