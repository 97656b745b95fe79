import pytest

from openstack_rca.diagnosis import Case
from openstack_rca.diagnosis.claude import EvidenceBook
from openstack_rca.diagnosis.claude.facts import STRUCK, Facts
from openstack_rca.records import Diagnosis

SEEN = """issue: no server on compute-2, see req-a8d3b7a8-7660-452b-b11f-fe99d113879c at 10.0.0.5 and http://ctl:8774/v2.1
nova-scheduler.log nova-novncproxy"""


@pytest.fixture
def facts(case: Case, offline: Diagnosis) -> Facts:
    book = EvidenceBook(case, offline.evidence)
    return Facts(
        book, ["compute-1", "compute-2", "controller", "net-1.lab.example"], ["nova-compute", "nova-api"], SEEN
    )


@pytest.mark.parametrize(
    "text",
    [
        "compute-2 was not heard from (E1), as req-a8d3b7a8-7660-452b-b11f-fe99d113879c shows.",
        "COMPUTE-1 and net-1.lab.example answer at 10.0.0.5.",
        'The scheduler says "has not been heard from in a while".',
        "nova-novncproxy and nova-api are well; http://ctl:8774/v2.1 answers.",
        "Set 'service_down_time' higher.",
        "It is all in nova-scheduler.log, and compute-heavy work was normal.",
        "nova-compute's heartbeat stopped; it's the host's fault.",
    ],
)
def test_what_the_data_holds_stays(facts: Facts, text: str) -> None:
    assert facts.strike(text, quotes=True) == (text, [])


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("See E77.", "E77"),
        ("compute-7 failed", "compute-7"),
        ("net-2.lab.example failed", "net-2.lab.example"),
        ("from 10.0.0.6 on", "10.0.0.6"),
        ("request req-00000000-7660-452b-b11f-fe99d113879c", "req-00000000-7660-452b-b11f-fe99d113879c"),
        ("project 0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
        ("https://docs.example.org/fix", "https://docs.example.org/fix"),
        ("this is bug 1234567", "bug 1234567"),
        ("CVE-2026-1234 explains it", "CVE-2026-1234"),
        ("nova-frobnicator died", "nova-frobnicator"),
        ('it wrote "kernel panic, not syncing"', '"kernel panic, not syncing"'),
        ("it wrote `kernel panic, not syncing`", "`kernel panic, not syncing`"),
        ("it wrote “kernel panic, not syncing”", "“kernel panic, not syncing”"),
        ("in keystone.log:12", "keystone.log:12"),
        ("on line 987654", "line 987654"),
    ],
)
def test_what_goes_beyond_it_is_struck(facts: Facts, text: str, piece: str) -> None:
    struck, bad = facts.strike(text, quotes=True)
    assert piece in bad
    assert piece not in struck
    assert STRUCK in struck


def test_commands_may_be_quoted(facts: Facts) -> None:
    text = "`openstack compute service list` — whether the state is down"
    assert facts.strike(text, quotes=False) == (text, [])


def test_what_a_tool_showed_was_seen(facts: Facts) -> None:
    assert not facts.was_seen("10.0.0.6")
    facts.see("E30 nova-api: GET http://10.0.0.6/")
    assert facts.strike("from 10.0.0.6 on", quotes=True)[1] == []


@pytest.mark.parametrize(
    ("name", "host"),
    [("compute-2", "compute-2"), ("Compute-2", "compute-2"), ("net-1", "net-1.lab.example"), ("compute-9", None)],
)
def test_hosts_go_by_their_first_label(facts: Facts, name: str, host: str | None) -> None:
    assert facts.host(name) == host


@pytest.mark.parametrize(
    ("quote", "id_", "holds"),
    [
        ("has not been heard from in a while", "E1", True),
        ("HAS NOT  been heard", "E1", True),
        ("has not been heard from in a while", "E2", False),
        ("closing AMQP connection", "E2", True),
        ("client unexpectedly closed TCP connection", "E2", True),
        ("", "E1", False),
    ],
)
def test_a_quote_stands_in_its_line_or_what_is_joined_to_it(facts: Facts, quote: str, id_: str, holds: bool) -> None:
    assert facts.holds(quote, id_) is holds
