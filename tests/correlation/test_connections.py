import pytest
from tests.cases import lab
from tests.correlation.tables import at, log_table

from openstack_rca.correlation import load_topology, lost_clients
from openstack_rca.records import Clue

GRAPH = load_topology()
Row = dict[str, object]


def closing(client: str, pid: int, seconds: float, why: str) -> Row:
    message = (
        f"closing AMQP connection <0.1.0> (127.0.0.1:5 -> 127.0.0.1:5672 - {client}:{pid}:"
        "f0877353-9864-4094-aa3d-970c5b826855, vhost: '/', user: 'openstack'):"
    )
    return {
        "service": "rabbitmq",
        "logger": None,
        "pid": f"<0.{pid}.0>",
        "message": message,
        "detail": why,
        "at": seconds,
    }


LATER: Row = {"service": "mariadb", "message": "the logs go on", "at": 100.0}
DIED, HUNG = "client unexpectedly closed TCP connection", "missed heartbeats from client, timeout: 60s"


def lost(*rows: Row) -> list[Clue]:
    return lost_clients(log_table(*rows), GRAPH)


def test_a_client_that_closed_unexpectedly_died() -> None:
    process = {"service": "cinder-volume", "host": "node-3", "pid": "77", "message": "working", "at": 1.0}
    (clue,) = lost(process, closing("cinder-volume", 77, 10, DIED), LATER)
    assert (clue.component, clue.host, clue.type, clue.role) == ("cinder-volume", "node-3", "service-down", "cause")
    assert clue.reporter == "rabbitmq"
    assert clue.first == at(10)


def test_a_client_that_missed_heartbeats_hangs_and_did_not_die_of_it() -> None:
    clues = lost(closing("nova-conductor", 7, 10, HUNG), closing("nova-conductor", 7, 90, DIED))
    assert [(c.component, c.type) for c in clues] == [("nova-conductor", "timeout")]


def test_when_many_programs_lose_the_broker_at_once_it_is_not_their_fault() -> None:
    clients = ["nova-conductor", "nova-compute", "cinder-volume", "neutron-server"]
    assert lost(*(closing(c, n, 10.0 + n, DIED) for n, c in enumerate(clients))) == []
    assert len(lost(*(closing(c, n, 10.0 + 60 * n, DIED) for n, c in enumerate(clients)))) == 4


def test_a_goodbye_is_no_loss() -> None:
    assert lost(closing("nova-api", 7, 10, "")) == []


@pytest.mark.parametrize(("seconds", "number"), [(0.2, 0), (30.0, 1)], ids=["for one task", "at work"])
def test_a_process_that_came_for_one_task_is_not_lost_when_it_goes(seconds: float, number: int) -> None:
    name = "nova-novncproxy:7:f0877353-9864-4094-aa3d-970c5b826855"
    meeting: Row = {
        "service": "rabbitmq",
        "pid": "<0.7.0>",
        "message": f"connection <0.1.0> (127.0.0.1:5 -> 127.0.0.1:5672 - {name}): user 'openstack' authenticated",
        "at": 10.0,
    }
    assert len(lost(meeting, closing("nova-novncproxy", 7, 10 + seconds, DIED))) == number


@pytest.mark.parametrize(
    "after",
    [
        {"service": "cinder-volume", "pid": "77", "message": "still here", "at": 40.0},
        {"service": "cinder-volume", "pid": "78", "message": "the next one", "at": 20.0},
    ],
    ids=["lived on", "was replaced quickly"],
)
def test_a_process_that_lives_on_or_is_replaced_weighs_less(after: Row) -> None:
    before: Row = {"service": "cinder-volume", "pid": "77", "message": "working", "at": 1.0}
    (gone,) = lost(before, closing("cinder-volume", 77, 10, DIED), LATER)
    (back,) = lost(before, closing("cinder-volume", 77, 10, DIED), after, LATER)
    assert back.weight < gone.weight / 2


def test_without_its_own_log_the_broker_tells_that_a_process_was_replaced() -> None:
    name = "127.0.0.1:6 -> 127.0.0.1:5672 - nova-api:8:f0877353-9864-4094-aa3d-970c5b826855"
    greeting: Row = {"service": "rabbitmq", "logger": None, "pid": "<0.8.0>", "message": f"connection <0.8.0> ({name})"}
    all_of_it = (closing("nova-api", 7, 10, DIED), closing("nova-api", 7, 11, DIED))
    (quick,) = lost(*all_of_it, {**greeting, "at": 20.0})
    (slow,) = lost(*all_of_it, {**greeting, "at": 90.0})
    assert (quick.role, slow.role) == ("context", "cause")
    assert quick.weight < slow.weight


def test_a_silent_process_that_comes_again_or_lost_one_connection_only_lives_on() -> None:
    twice = (closing("nova-conductor", 38, 10, DIED), closing("nova-conductor", 38, 11, DIED))
    name = "nova-conductor:38:aba3ef7b-323e-495c-83c4-8f5f14f874ec"

    def greeted_from(address: str) -> Row:
        greeting = f"connection <0.8.0> ({address}:6 -> 127.0.0.1:5672) has a client-provided name: {name}"
        return {"service": "rabbitmq", "logger": None, "pid": "<0.8.0>", "message": greeting, "at": 90.0}

    def role(*rows: Row) -> str:
        (clue,) = lost(*rows, LATER)
        return clue.role

    assert role(*twice) == "cause"
    assert role(*twice[:1]) == "context"
    assert role(*twice, greeted_from("127.0.0.1")) == "context"
    assert role(*twice, greeted_from("10.0.0.9")) == "cause", "a process of the same id in a container elsewhere"


def test_a_process_that_wrote_seldom_has_not_fallen_silent() -> None:
    process: Row = {"service": "cinder-volume", "host": "node-3", "pid": "77", "message": "working", "at": 1.0}
    late = closing("cinder-volume", 77, 80, DIED)
    assert [c.role for c in lost(process, late, LATER)] == ["context"]
    assert [c.role for c in lost(process, {**process, "at": 70.0}, late, {**LATER, "at": 300.0})] == ["cause"]


def test_of_the_containers_with_one_id_that_one_died_which_fell_silent() -> None:
    working: Row = {"service": "nova-compute", "pid": "7", "message": "working", "at": 5.0}
    rows = [{**working, "host": host} for host in ("c1", "c2")]
    (clue,) = lost(*rows, closing("nova-compute", 7, 10, DIED), {**rows[0], "at": 60.0}, LATER)
    assert (clue.host, clue.role) == ("c2", "cause")


def test_a_program_in_a_web_server_misses_heartbeats_while_it_has_nothing_to_do() -> None:
    served: Row = {"service": "nova-api", "pid": "77", "message": "answered", "at": 1.0}
    missed = closing("mod_wsgi", 77, 100, HUNG)
    assert [c.role for c in lost(served, missed)] == ["cause"]
    assert [c.role for c in lost(served, {**served, "at": 90.0}, missed)] == ["context"]


def test_health_shows_no_lost_clients() -> None:
    assert lost_clients(lab.table("baseline-1"), GRAPH) == []


@pytest.mark.parametrize(
    ("case", "component", "kind"),
    [
        ("cinder-volume-down", "cinder-volume", "service-down"),
        ("dhcp-agent-down", "neutron-dhcp-agent", "service-down"),
        ("conductor-hung", "nova-conductor", "timeout"),
        ("compute-2-killed", "nova-compute", "service-down"),
    ],
)
def test_the_broker_of_the_lab_tells_who_was_lost(case: str, component: str, kind: str) -> None:
    best = max(lost_clients(lab.table(case), GRAPH), key=lambda c: c.weight)
    assert (best.component, best.type) == (component, kind)


def test_who_found_after_a_long_sleep_that_it_missed_the_heartbeats_hung() -> None:
    awake = {
        "service": "cinder-scheduler",
        "pid": "7",
        "at": 9.9,
        "message": "trying to reconnect: Too many heartbeats missed",
    }
    (clue,) = lost(awake, closing("cinder-scheduler", 7, 10, DIED))
    assert (clue.component, clue.type, clue.role) == ("cinder-scheduler", "timeout", "cause")


def test_a_web_server_that_dies_is_the_program_that_it_ran() -> None:
    served = {"service": "octavia-api", "host": None, "pid": "77", "message": "working", "at": 1.0}
    (found,) = lost(served, closing("uwsgi", 77, 10, DIED))
    assert found.component == "octavia-api"
    assert lost(served, closing("uwsgi", 78, 10, DIED)) == []
