from datetime import datetime

import pytest
from tests.parsing.texts import Memory, parse, row, rows

from openstack_rca.errors import UsageError
from openstack_rca.parsing import LogParser

OSLO = "{} 7 INFO nova.x [-] m\n"


def syslog(*times: str) -> str:
    return "".join(f"{time} ctl sshd[1]: m\n" for time in times)


@pytest.mark.parametrize(
    ("timezone", "utc", "zone"),
    [
        ("UTC", "2026-11-22 09:00:00.500", "assumed UTC"),
        ("Europe/Berlin", "2026-11-22 08:00:00.500", "assumed Europe/Berlin"),
        ("+05:30", "2026-11-22 03:30:00.500", "assumed +05:30"),
        ("-08:00", "2026-11-22 17:00:00.500", "assumed -08:00"),
    ],
)
def test_times_without_a_zone_take_the_given_one(timezone, utc, zone):
    logs = parse(OSLO.format("2026-11-22 09:00:00.500"), timezone=timezone)
    assert logs.table["time"].item() == datetime.fromisoformat(utc)
    assert logs.table["zone"].item() == logs.files[0].zone == zone


def test_times_that_state_their_zone_do_not():
    berlin = {"timezone": "Europe/Berlin"}
    assert row("2026-11-22T09:00:00.000Z|00001|m|INFO|x\n", **berlin)["time"] == datetime(2026, 11, 22, 9)
    rabbit = row("2026-11-22 09:00:00.000000+02:00 [info] <0.1.0> x\n", **berlin)
    assert (rabbit["time"], rabbit["zone"]) == (datetime(2026, 11, 22, 7), "+02:00")


def test_summer_time_and_the_hours_of_the_clock_change():
    texts = ("2026-07-01 12:00:00.000", "2026-10-25 02:30:00.000", "2026-03-29 02:30:00.000")
    times = [r["time"] for r in rows("".join(map(OSLO.format, texts)), timezone="Europe/Berlin")]
    assert times[0] == datetime(2026, 7, 1, 10)
    assert times[1] == datetime(2026, 10, 25, 0, 30)
    assert times[2] == times[1]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc", "+1", ""])
def test_an_unknown_zone_is_refused(zone):
    with pytest.raises(UsageError, match="neither a name like Europe/Berlin"):
        LogParser(zone)


def test_missing_years_come_from_the_files_own_date_and_turn_at_new_year():
    text = syslog("Dec 30 23:59:59", "Dec 31 23:59:59", "Jan  1 00:00:01", "Jan  2 00:00:00")
    modified = datetime.fromisoformat("2024-01-02T00:00:00+00:00").timestamp()
    years = [r["time"].year for r in rows(Memory(text.encode(), "syslog", modified))]
    assert years == [2023, 2023, 2024, 2024]


def test_missing_years_come_from_the_nearest_files_that_have_them():
    far, near = OSLO.format("2019-02-10 09:00:00.000"), OSLO.format("2022-02-10 09:00:00.000")
    logs = parse(
        Memory(far.encode(), "a/nova/nova-api.log"),
        Memory(near.encode(), "b/nova/nova-api.log"),
        Memory(syslog("Feb 10 00:00:00").encode(), "b/syslog", 1795334400.0),
    )
    assert [t.year for t in logs.table["time"]] == [2019, 2022, 2022]


def test_missing_years_are_not_in_the_future():
    assert [r["time"] for r in rows(syslog("Nov 22 09:00:00", "Dec  1 09:00:00"), name="syslog")] == [
        datetime(2025, 11, 22, 9),
        datetime(2025, 12, 1, 9),
    ]


@pytest.mark.parametrize("modified", [float("inf"), -1e18, 4e12])
def test_a_senseless_date_of_the_file_is_no_error(modified):
    assert rows(Memory(syslog("Nov 22 09:00:00").encode(), "syslog", modified))[0]["time"].year in (1969, 1970, 2026)


def test_the_leap_day_survives():
    modified = datetime.fromisoformat("2024-03-01T00:00:00+00:00").timestamp()
    assert rows(Memory(syslog("Feb 29 10:00:00").encode(), "syslog", modified))[0]["time"] == datetime(2024, 2, 29, 10)


def test_times_that_jump_are_kept():
    times = ["2026-11-22 09:00:00.000", "2026-11-21 09:00:00.000", "2026-11-23 09:00:00.000"]
    assert [r["time"] for r in rows("".join(map(OSLO.format, times)))] == [datetime.fromisoformat(t) for t in times]


def test_a_record_without_time_takes_that_of_the_one_before_it():
    text = "[   12.345678] early\n2026-11-22 09:00:00.000 7 INFO nova.x [-] m\n[   13.345678] late\n"
    assert [r["time"] for r in rows(text)] == [None, *[datetime(2026, 11, 22, 9)] * 2]


def test_an_impossible_date_is_no_error():
    first, second = rows(OSLO.format("2026-11-22 09:00:00.000") + OSLO.format("2026-13-45 99:00:00.000"))
    assert first["time"] == second["time"]


def test_the_time_inside_an_envelope_counts_unless_only_the_envelope_has_a_zone():
    inner = OSLO.format("2026-11-22 09:00:00.500")
    pod = row(f"2026-11-22T07:00:00.500000001Z stderr F {inner}", name="pod.log", timezone="Europe/Berlin")
    assert (pod["time"].hour, pod["zone"]) == (7, "UTC")
    local = row(f"Nov 22 09:00:00 ctl nova-api[7]: {inner}", name="syslog", timezone="Europe/Berlin")
    assert (local["time"].microsecond, local["zone"]) == (500000, "assumed Europe/Berlin")
