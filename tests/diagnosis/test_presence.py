from tests.correlation.tables import at, log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import load_topology
from openstack_rca.diagnosis.presence import Presence
from openstack_rca.diagnosis.weighing import hypothesize
from openstack_rca.records import Clue, Question

QUIET = Presence(log_table({"message": "m", "service": "nova-api"}))
TALKING = Presence(log_table(*({"message": "m", "service": "glance-api", "at": float(n)} for n in range(0, 300, 5))))


def test_who_wrote_when() -> None:
    presence = Presence(log_table({"message": "m", "at": 100.0}, {"message": "m", "service": "cinder-api", "at": None}))
    assert presence.wrote("nova-api", at(100), at(100))
    assert presence.wrote("nova-api", at(110), at(110))
    assert not presence.wrote("nova-api", at(110), at(200))
    assert not presence.wrote("nova-api", at(10), at(90))
    assert not presence.wrote("nova-api", at(200), at(300))
    assert not presence.wrote("cinder-api", at(0), at(300))


def test_of_a_complaint_without_a_time_any_line_with_one_is_a_sign_of_life() -> None:
    presence = Presence(log_table({"message": "m", "at": 100.0}, {"message": "m", "service": "cinder-api", "at": None}))
    assert presence.wrote("nova-api", None, None)
    assert not presence.wrote("cinder-api", None, None)
    assert not presence.wrote("glance-api", None, None)


def score(presence: Presence, *clues: Clue) -> float:
    return hypothesize(clues, load_topology(), Question(""), presence)[0].score


def test_an_accusation_is_worth_less_when_the_accused_went_on_writing_and_noticed_nothing() -> None:
    accused = clue("glance-api", reporter="nova-compute")
    assert score(TALKING, accused) < 0.6 * score(QUIET, accused)


def test_an_accusation_without_a_time_is_judged_by_the_same_one_that_has_one() -> None:
    accused = clue("glance-api", reporter="nova-compute")
    untimed = clue("glance-api", reporter="nova-compute", key="stderr", first=None, last=None)
    assert score(TALKING, accused, untimed) < 0.6 * score(QUIET, accused, untimed)
    assert score(TALKING, untimed) < 0.6 * score(QUIET, untimed)


def test_who_noticed_its_own_failure_is_believed() -> None:
    accused = clue("glance-api", reporter="nova-compute")
    own = clue("glance-api", 0.2, key="own")
    assert score(TALKING, accused, own) == score(QUIET, accused, own)


def test_a_lost_connection_and_infrastructure_are_believed_too() -> None:
    connection = clue("glance-api", reporter="rabbitmq", kind="connection")
    assert score(TALKING, connection) == score(QUIET, connection)
    broker = clue("rabbitmq", reporter="nova-compute")
    writing = Presence(log_table({"message": "m", "service": "rabbitmq", "at": 0.0}))
    assert score(writing, broker) == score(QUIET, broker)


def test_what_a_program_wrote_on_one_host_says_nothing_of_another() -> None:
    presence = Presence(log_table({"message": "m", "service": "libvirtd", "host": "cmp1", "at": 10.0}))
    assert presence.wrote("libvirtd", at(0), at(20))
    assert presence.wrote("libvirtd", at(0), at(20), "cmp1")
    assert not presence.wrote("libvirtd", at(0), at(20), "cmp2")
