from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from tests.correlation.tables import at, log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import load_topology, unconcerned, understand, unmet
from openstack_rca.records import Clue, Question

UUID = "7b4f29f9-0d47-4eb9-a569-b1da1bd6e8c3"
REQUEST = "req-ff248452-7bd9-4b43-a1a8-5f6b7c6f0d11"


def ask(text: str, *hosts: str) -> Question:
    return understand(text, load_topology(), hosts)


def test_ids_are_told_apart() -> None:
    question = ask(f"Server {UUID} failed with {REQUEST.upper()}; {UUID} again")
    assert question.uuids == (UUID,)
    assert question.request_ids == (REQUEST,)


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ("I get a 403 error", (403,)),
        ("it ends in HTTP 503", (503,)),
        ("all calls return 500 errors, some a 409", (500, 409)),
        ("I asked for 500 servers in 300 seconds", ()),
        ("port 5672 on host 404a", ()),
    ],
)
def test_statuses_are_those_of_http(text: str, statuses: tuple[int, ...]) -> None:
    assert set(ask(text).statuses) == set(statuses)


def test_only_whole_names_of_known_hosts_count() -> None:
    hosts = ("compute-1", "compute-11", "controller")
    assert ask("Servers on compute-11 are slow", *hosts).hosts == ("compute-11",)
    assert ask("compute-1, it is", *hosts).hosts == ("compute-1",)
    assert ask("Nothing named", *hosts).hosts == ()


def test_a_named_program_stands_before_those_of_the_operation() -> None:
    components = ask("Volumes stay in creating and cinder-volume looks odd").components
    assert components[0] == "cinder-volume"
    assert "cinder-scheduler" in components
    assert "glance-api" not in components


@pytest.mark.parametrize(
    "text", ["Attaching a volume fails", "It was attached", "He attaches it", "Migrating hangs", "a booted one"]
)
def test_an_inflected_word_means_the_operation(text: str) -> None:
    assert "nova-compute" in ask(text).components
    assert ask("The logs of something else show nothing").components == ()


@pytest.mark.parametrize(
    "text", ["Logging in ends with an internal server error", "They are logged in, a server error", "He signs in"]
)
def test_who_logs_in_asks_about_keystone_and_an_answer_500_is_no_server(text: str) -> None:
    assert ask(text).components == ("keystone",)


def test_who_speaks_of_everything_is_understood() -> None:
    assert ask("All calls hang").everything
    assert ask("Every command ends with 503").everything
    assert not ask("A volume cannot be attached").everything


def test_words_that_say_nothing_are_left_out() -> None:
    assert ask("Why does it not work any more").components == ()
    assert ask("The error is an error").words == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("The server web-1 does not start", ("web-1",)),
        ("Volume 'nightly backup' hangs in creating", ("nightly backup",)),
        ("vm12 cannot be reached", ("vm12",)),
        ("nova-scheduler on compute-1 fails with HTTP 503 at 08:48", ()),
    ],
)
def test_names_of_servers_and_volumes_are_those_that_nothing_else_is_called(text: str, names: tuple[str, ...]) -> None:
    assert ask(text, "compute-1").names == names


FIRST, LAST = datetime(2026, 11, 22, 7, 30), datetime(2026, 11, 22, 11, 0)


@pytest.mark.parametrize(
    ("text", "zone", "times"),
    [
        ("Since 08:48 servers fail", UTC, (datetime(2026, 11, 22, 8, 48),)),
        ("Since 8:48:30 servers fail", UTC, (datetime(2026, 11, 22, 8, 48, 30),)),
        ("At 2026-11-22 08:48 it began", UTC, (datetime(2026, 11, 22, 8, 48),)),
        ("At 09:48 local time", ZoneInfo("Europe/Paris"), (datetime(2026, 11, 22, 8, 48),)),
        ("about 8.48 pm or 8:48 am", UTC, (datetime(2026, 11, 22, 8, 48),)),
        ("at 12:48 p.m. Paris time", ZoneInfo("Asia/Dhaka"), ()),
        ("at 10 AM it began, and at 11 pm", UTC, (datetime(2026, 11, 22, 10),)),
        ("at 08h48, for 9h15m", UTC, (datetime(2026, 11, 22, 8, 48),)),
        ("on 2026-11-22 at 8:48 pm", UTC, ()),
        ("It was 23:15", UTC, ()),
        ("At 2025-11-22 08:48 it began", UTC, ()),
        ("at 2026-13-45 08:48", UTC, ()),
        ("ratio 3:99 of 10.0.0.1:8774", UTC, ()),
    ],
)
def test_times_are_those_that_the_logs_cover(text: str, zone: tzinfo, times: tuple[datetime, ...]) -> None:
    assert understand(text, load_topology(), (), (FIRST, LAST), zone).times == tuple((t, t) for t in times)
    assert ask(text).times == ()


def test_a_date_alone_is_the_whole_day_in_the_zone_of_the_logs() -> None:
    def days(text: str, zone: tzinfo = UTC) -> tuple[tuple[datetime, datetime], ...]:
        return understand(text, load_topology(), (), (FIRST, LAST), zone).times

    whole = (datetime(2026, 11, 22), datetime(2026, 11, 22, 23, 59, 59, 999999))
    assert days("Broken since the upgrade of 2026-11-22.") == (whole,)
    assert days("since 2026-11-22", ZoneInfo("Europe/Paris"))[0][0] == datetime(2026, 11, 21, 23)
    assert days("On 2026-11-22 at 08:48 and 2026-11-20 it failed") == ((datetime(2026, 11, 22, 8, 48),) * 2,)
    assert days("2026-13-45") == ()


def test_a_port_with_a_number_is_who_listens_there_and_no_port_of_a_network() -> None:
    asked = understand(
        "The compute service does not answer, connection refused on port 8774", load_topology(), ()
    ).components
    assert asked[0] == "nova-api"
    assert not any(name.startswith("neutron") for name in asked)
    assert understand("My port has no address", load_topology(), ()).components[0] == "neutron-server"


def test_what_the_issue_names_and_no_line_has_is_told() -> None:
    known, other = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"
    table = log_table({"message": f"[instance: {known}] x", "host": "compute1"}, {"message": "y", "at": 3600.0})
    span = at(0), at(3600)

    def told(text: str) -> str:
        return " ".join(unmet(understand(text, load_topology(), ["compute1"], span), table, span))

    assert told(f"server {known} on compute1 failed at 8:30 am") == ""
    assert f"No line of these logs mentions {other}" in told(f"servers {other} and {known} failed")
    assert "compute99" in told("compute99 has trouble")
    assert told("web-1 and vm7 have trouble") == "", "users' names of servers are seldom in logs"
    assert "names 16:30, but these logs cover 2026-11-22 08:00 to 2026-11-22 09:00" in told("at 16:30 it failed")
    assert "2026-11-21" in told("since 2026-11-21")


def test_an_issue_about_a_service_without_logs_is_no_matter_of_what_it_does_not_need() -> None:
    graph = load_topology().observed(["neutron-server", "nova-api", "mariadb"], {})
    pool = clue("neutron-server", type="resource-exhaustion", weight=0.9)

    def told(text: str, *clues: Clue) -> str:
        return " ".join(unconcerned(understand(text, graph, []), clues, graph))

    assert told("swift is slow", pool).startswith("No log of swift is among these files")
    assert told("a trove database does not start", pool) == "", "trove needs neutron"
    assert told("swift is slow", clue("keystone", weight=0.9)) == "", "swift needs keystone"
    assert told("servers cannot be created", pool) == ""
    assert told("something is broken", pool) == ""
