from typing import Any

import polars as pl
from tests.correlation.tables import at, log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import misfits, renamed
from openstack_rca.records import Clue


def logs(message: str = "Compute node c2.example.org not found", until: float = 60) -> Any:
    """A nova-compute on c2 that wrote before its start at 10 s and writes after it, until then."""
    rows = [{"at": 5.0, "message": "Running on c2"}, {"at": 12.0, "message": message}]
    rows += [{"at": float(n), "message": "Auditing"} for n in range(20, int(until), 10)]
    return log_table(*({"service": "nova-compute", "host": "c2", **row} for row in rows))


def restart(host: str | None = "c2") -> Clue:
    return clue("nova-compute", 0.3, kind="restart", role="context", host=host, first=at(8), last=at(10), records=(1,))


def down(first: float = 40, last: float = 60, **changes: Any) -> Clue:
    given = {"type": "service-down", "reporter": "nova-scheduler", "host": "c2", "first": at(first), "last": at(last)}
    return clue("nova-compute", 0.7, **{**given, **changes})


def test_who_runs_on_and_is_called_down_reports_under_another_name() -> None:
    (found,) = renamed([restart(), down()], logs())
    assert (found.component, found.host, found.type, found.role) == ("nova-compute", "c2", "misconfiguration", "cause")
    assert "calls itself c2.example.org" in found.statement
    assert found.records[0] == 1
    assert found.weight > down().weight


def test_who_complains_of_the_new_name_is_a_victim() -> None:
    unmapped = clue("nova-conductor", 0.8, host="c2.example.org.", type="misconfiguration")
    (found,) = renamed([restart(), down(), unmapped], logs())
    assert found.exculpates == "nova-conductor"
    (found,) = renamed([restart(), down(), unmapped], logs("nothing of a name"))
    assert found.exculpates is None
    assert "calls itself" not in found.statement


def test_a_name_that_was_in_use_before_is_no_new_one() -> None:
    table = log_table(
        {"service": "nova-compute", "host": "c2", "at": 5.0, "message": "Running on c2.example.org"},
        {"service": "nova-compute", "host": "c2", "at": 12.0, "message": "Auditing c2.example.org"},
        {"service": "nova-compute", "host": "c2", "at": 50.0, "message": "Auditing c2.example.org"},
    )
    (found,) = renamed([restart(), down()], table)
    assert "calls itself" not in found.statement


def test_who_is_called_down_before_its_first_report_is_due_was_down() -> None:
    assert renamed([restart(), down(first=5)], logs()) == []
    assert renamed([restart(), down(first=12, last=25)], logs()) == []


def test_who_writes_nothing_more_is_down() -> None:
    assert renamed([restart(), down(first=55, last=90)], logs(until=20)) == []
    assert renamed([restart(), down(first=55, last=90)], logs("no name", until=50)) == []
    assert len(renamed([restart(), down(first=55, last=90)], logs(until=50))) == 1


def test_who_was_started_once_more_was_down() -> None:
    died = logs("no name").with_columns(pid=pl.when(pl.col("time") >= at(30)).then(pl.lit("2")).otherwise("pid"))
    assert renamed([restart(), down()], died) == []


def test_who_cannot_reach_what_it_needs_does_not_report_for_that_reason() -> None:
    trouble = clue("rabbitmq", 0.6, reporter="nova-compute", host="c2", type="dependency-unreachable")
    assert renamed([restart(), down(), trouble], logs()) == []


def test_who_cannot_start_its_driver_does_not_report_for_that_reason() -> None:
    broken = clue("nova-compute", 0.8, kind="signature", host="c2", type="storage", reporter="nova-compute")
    assert renamed([restart(), down(), broken], logs()) == []


def test_others_and_other_hosts_tell_nothing() -> None:
    assert renamed([restart(), down(host="c3")], logs()) == []
    assert renamed([restart(), down(reporter="nova-compute")], logs()) == []
    assert renamed([down()], logs()) == []


def test_what_fits_no_backend_since_the_restart_of_who_has_them_is_his_fault() -> None:
    again = clue("manila-share", 0.3, kind="restart", role="context", host="c", first=at(8), last=at(10), records=(1,))
    told = {"finding": "manila-type-fits-no-backend", "type": "misconfiguration", "records": (5, 6, 7)}
    (found,) = misfits([again, clue("manila-scheduler", 0.6, first=at(40), last=at(60), **told)])
    assert (found.component, found.host, found.type) == ("manila-share", "c", "misconfiguration")
    assert (found.records, found.exculpates) == ((5, 1, 6), "manila-scheduler")
    assert misfits([again, clue("manila-scheduler", 0.6, first=at(5), **told)]) == []
    assert misfits([again, clue("manila-scheduler", 0.6, first=at(3600), **told)]) == []
    assert misfits([again, clue("cinder-scheduler", 0.6, first=at(40), finding="cinder-type-fits-no-backend")]) == []
