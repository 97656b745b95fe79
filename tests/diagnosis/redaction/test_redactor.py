import random
import time

import pytest
from benchmarks.redaction import SEED, lost, seeded

from openstack_rca.diagnosis.redaction import Redactor, load_rules
from openstack_rca.diagnosis.redaction import rules as rules_module
from openstack_rca.errors import KnowledgeError

URL = "mysql+pymysql://nova:Zq81kLmX@10.0.0.5/nova"


def test_seeded_secrets_are_hidden_and_put_back() -> None:
    seeds = list(seeded(random.Random(SEED)))
    missed = []
    for kind, secret, line in seeds:
        redactor = Redactor()
        hidden = redactor.redact(line)
        assert redactor.restore(hidden) == line
        if not lost(secret, hidden):
            missed.append((kind, line))
    assert len(seeds) >= 200
    assert len({kind for kind, _, _ in seeds}) >= 15
    assert len(missed) <= len(seeds) * 0.01, missed


def test_every_rule_keeps_its_own_examples() -> None:
    assert len(load_rules().rules) >= 15


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"kind": "x", "hints": ["a"], "pattern": "a(?P<secret>b"}, "is wrong"),
        ({"kind": "x", "hints": ["a"], "pattern": "ab"}, "no group named secret"),
        (
            {"kind": "x", "hints": ["a"], "pattern": "a(?P<secret>b)", "hides": [{"text": "ac", "secret": "c"}]},
            "leaves the secret",
        ),
        (
            {"kind": "x", "hints": ["a"], "pattern": "a(?P<secret>b)", "hides": [], "keeps": ["ab"]},
            "a line to keep loses",
        ),
    ],
)
def test_a_rule_that_fails_its_examples_is_refused(
    rule: dict[str, object], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowledge = {"rules": [rule], "ignored": ["x"], "not_email": "x", "project_and_user_ids": "(?P<secret>x)"}
    monkeypatch.setattr(rules_module, "read", lambda name: knowledge)
    with pytest.raises(KnowledgeError, match=words):
        load_rules.__wrapped__()


def test_a_value_is_the_same_placeholder_everywhere() -> None:
    redactor = Redactor()
    first = redactor.redact(f"one {URL}")
    second = redactor.redact(f"two {URL} and 'password': 'Zq81kLmX' and 'password': 'other1'")
    assert first == "one mysql+pymysql://nova:<url-password-1>@10.0.0.5/nova"
    assert second == (
        "two mysql+pymysql://nova:<url-password-1>@10.0.0.5/nova and 'password': '<url-password-1>' "
        "and 'password': '<password-1>'"
    )
    assert redactor.hidden == 2
    assert redactor.restore(second).count("Zq81kLmX") == 2


def test_a_secret_once_seen_is_hidden_where_no_rule_would_see_it() -> None:
    redactor = Redactor()
    redactor.redact(URL)
    assert redactor.redact("bad string Zq81kLmX given") == "bad string <url-password-1> given"
    redactor.redact("password='openstack'")
    assert redactor.redact("the openstack cloud") == "the openstack cloud"


def test_redacting_twice_changes_nothing() -> None:
    redactor = Redactor(hosts=["compute-1"], ips=True)
    once = redactor.redact(f"{URL} on compute-1 for jane@example.org password=<x> token=0123456789abcdef")
    assert redactor.redact(once) == once


def test_a_line_cannot_forge_a_placeholder() -> None:
    redactor = Redactor()
    hidden = redactor.redact("user wrote <password-1> and <url-password-1>")
    redactor.redact(URL)
    redactor.redact("password='Zq81kLmY'")
    assert redactor.restore(hidden) == "user wrote <password-1> and <url-password-1>"


def test_ids_that_a_diagnosis_needs_stay() -> None:
    line = (
        "2026-11-22 08:48:29.374 20127 ERROR nova.compute.manager [None req-46f2426e-ac74-4def-b866-52a009d718b9 "
        "d31be7cefd8b44f1b0c1b04a52fdc7d5 b45dccebc5734c76987379e6a8ac272c - - default default] [instance: "
        "6dcf1351-0c1f-4984-bf36-3e3732ebeded] on compute-1 at 10.0.0.5:9292 fa:16:3e:12:34:56 "
        "http://ctl:8774/v2.1/servers/detail?limit=1 /var/lib/nova/instances"
    )
    assert Redactor().redact(line) == line


@pytest.mark.parametrize(
    ("options", "text", "hidden"),
    [
        (
            {"hosts": ["compute-1", "compute-11"]},
            "compute-11, compute-1.lab, xcompute-1",
            "<host-1>, <host-2>.lab, xcompute-1",
        ),
        (
            {"ips": True},
            "10.0.0.5:80 and fe80::1 and 127.0.0.1 at 08:48:01",
            "<ip-1>:80 and <ip-2> and 127.0.0.1 at 08:48:01",
        ),
        ({"ips": True}, "10.0.0.5 again 10.0.0.5, 999.1.1.1", "<ip-1> again <ip-1>, 999.1.1.1"),
        ({"ids": ["d31be7cefd8b44f1b0c1b04a52fdc7d5"]}, "u d31be7cefd8b44f1b0c1b04a52fdc7d5", "u <id-1>"),
        ({"by_shape": True}, "project_id=b45dccebc5734c76987379e6a8ac272c", "project_id=<id-1>"),
        ({"active": False}, URL, URL),
    ],
)
def test_each_switch(options: dict[str, object], text: str, hidden: str) -> None:
    redactor = Redactor(**options)  # type: ignore[arg-type]
    assert redactor.redact(text) == hidden
    assert redactor.restore(hidden) == text


HOSTILE = [
    "a" * 30000, "a.b-" * 8000, "password=" * 3000, "://" * 8000, "http://a:" * 3000, "a:b@" * 8000, "AQ" * 15000,
    "eyJ" * 9000, "Cookie: " * 3000, "token" * 6000, "-----BEGIN PRIVATE KEY-----" * 600, "x@y." * 8000,
    "mysql -" * 4000,
    "'password': '" * 2500, "\\" * 30000, "1:" * 12000, "Authorization: Basic " * 1500, "<password>" * 3000,
    "_token" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: t[:12])
def test_a_hostile_line_cannot_stop_it(text: str) -> None:
    started = time.process_time()
    Redactor(ips=True, by_shape=True).redact(text)
    assert time.process_time() - started < 5
