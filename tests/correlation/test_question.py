import pytest

from openstack_rca.correlation import load_topology, understand
from openstack_rca.records import Question

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


def test_words_that_say_nothing_are_left_out() -> None:
    assert ask("Why does it not work any more").components == ()
    assert ask("The error is an error").words == ()
