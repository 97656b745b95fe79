from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from openstack_rca import knowledge
from openstack_rca.errors import KnowledgeError
from openstack_rca.signatures import (
    Signature,
    checked_signatures,
    describe,
    load_signatures,
    loading,
    render_catalogue,
    run_examples,
)
from openstack_rca.signatures.loading import build_signatures

GOOD: dict[str, Any] = yaml.safe_load(
    """
    id: disk-on-fire
    title: A disk burns
    role: cause
    emitters: [nova-compute]
    pattern: 'disk (?P<device>\\w+) is on fire'
    blames: self
    type: storage
    weight: 0.9
    explains: The disk is hotter than the kernel allows.
    look_next: ["touch it: too hot to hold proves it"]
    remediation: Extinguish it.
    examples: {match: ['disk sda is on fire'], no_match: ['disk sda is cold']}
    """
)


def build(**changes: Any) -> tuple[Signature, ...]:
    content = {key: value for key, value in (GOOD | changes).items() if value is not None}
    return build_signatures([(Path("host") / f"{GOOD['id']}.yaml", content)])


def test_a_symptom_needs_no_remediation_for_only_its_cause_says_what_helps() -> None:
    assert build(role="symptom", remediation=None)[0].remediation == ""
    assert not [s.id for s in load_signatures() if s.remediation.rstrip(".") == "Follow the exception"]


def test_the_shipped_signatures_load_and_pass_their_examples() -> None:
    signatures = load_signatures()
    assert len(signatures) >= 300
    assert run_examples(signatures) == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"wieght": 0.5}, "wieght: Extra inputs are not permitted"),
        ({"pattern": "disk ("}, "pattern is no regular expression"),
        ({"unless": "disk ("}, "unless is no regular expression"),
        ({"role": "villain"}, "role: Input should be"),
        ({"type": None}, "a cause needs type and look_next"),
        ({"remediation": None}, "a cause needs a remediation"),
        ({"blames": "peer", "pattern": "disk is on fire"}, "captures none of"),
        ({"pattern": "\\w+ on\\b \\w+"}, "no literal of 4 characters is certain"),
        ({"id": "Disk On Fire"}, "id: String should match pattern"),
        ({"id": "disk-on-water"}, "its id is disk-on-water, but must be the name of the file"),
        ({"recovered_by": ["rain"]}, "recovered_by names rain, which is no recovery signature"),
        ({"examples": {"match": ["disk a is on fire"], "no_match": []}}, "examples.no_match"),
    ],
)
def test_a_broken_signature_is_refused_with_its_file_and_reason(changes: dict[str, Any], complaint: str) -> None:
    build()
    with pytest.raises(KnowledgeError) as refused:
        build(**changes)
    assert "disk-on-fire.yaml" in str(refused.value)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"examples": {"match": ["all is well"], "no_match": ["-"]}}, "does not find the example 'all is well'"),
        (
            {"examples": {"match": ["disk a is on fire"], "no_match": ["disk b is on fire"]}},
            "finds 'disk b is on fire', which must not match",
        ),
        ({"literals": ["flames"]}, "none of its literals is in the example 'disk sda is on fire'"),
    ],
)
def test_a_signature_that_breaks_its_examples_is_named(changes: dict[str, Any], complaint: str) -> None:
    assert run_examples(build()) == []
    (failure,) = run_examples(build(**changes))
    assert failure.startswith("disk-on-fire.yaml: ")
    assert complaint in failure


def test_a_match_does_not_count_in_a_line_that_holds_what_rules_it_out() -> None:
    (signature,) = build(unless="drill")
    assert signature.find("a drill: disk sda is on fire") is None
    found = signature.find("a drill: disk sda is on fire\ndisk sdb is on fire, no joke\nthe drill ends")
    assert found is not None
    assert found["device"] == "sdb"


def test_the_check_refuses_what_the_examples_contradict(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked_signatures() == load_signatures()
    wrong = build(examples={"match": ["all is well"], "no_match": ["-"]})
    monkeypatch.setattr(loading, "load_signatures", lambda: wrong)
    with pytest.raises(KnowledgeError, match=r"disk-on-fire\.yaml: the pattern does not find"):
        checked_signatures()


def test_all_offenders_are_named_at_once() -> None:
    files = [
        (Path("host/a-one.yaml"), GOOD | {"id": "a-one", "weight": 7}),
        (Path("host/b-two.yaml"), "just text"),
        (Path("host/c-three.yaml"), GOOD | {"id": "c-three", "pattern": "disk ("}),
        (Path("disk/d-four.yaml"), GOOD | {"id": "d-four"}),
        (Path("host/d-four.yaml"), GOOD | {"id": "d-four"}),
    ]
    with pytest.raises(KnowledgeError) as refused:
        build_signatures(files)
    for part in (
        "a-one.yaml: weight",
        "b-two.yaml: holds no mapping",
        "c-three.yaml: Value error, pattern is no regular expression",
        "d-four.yaml: the id exists twice",
    ):
        assert part in str(refused.value)


def test_every_blamed_component_and_its_kind_is_known_to_the_topology() -> None:
    known = set(knowledge.read("topology.yaml")["components"]) | {"self", "peer"}
    assert {s.id: s.blames for s in load_signatures() if s.blames not in known} == {}


def test_symptoms_weigh_little_and_recoveries_nothing() -> None:
    heavy = [s.id for s in load_signatures() if s.role == "symptom" and s.weight > 0.7]
    assert heavy == []
    assert {s.weight for s in load_signatures() if s.role == "recovery"} == {0.0}


def test_general_failures_are_never_causes() -> None:
    roles = {s.id: (s.role, s.weight) for s in load_signatures()}
    for name in (
        "nova-no-valid-host",
        "nova-build-rescheduled",
        "nova-retries-exceeded",
        "http-server-error",
        "heat-resource-error",
        "nova-api-unexpected-exception",
    ):
        role, weight = roles[name]
        assert role == "symptom"
        assert weight <= 0.15


def test_describe_shows_what_a_person_needs() -> None:
    shown = describe(next(s for s in load_signatures() if s.id == "placement-credentials-wrong"))
    assert shown["type"] == "auth-failure"
    assert "token issue" in shown["look next"]
    assert "recovered by" not in shown


def test_the_catalogue_page_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "signatures.md"
    assert page.read_text() == render_catalogue(load_signatures()), (
        "run python -m openstack_rca.signatures > docs/signatures.md"
    )


def test_every_emitter_is_a_program_that_the_parser_names() -> None:
    programs = list(knowledge.read("programs.yaml")["programs"])
    named = {(s.id, e) for s in load_signatures() for e in s.emitters if e not in ("any", "*")}
    assert {(i, e) for i, e in named if not any(fnmatchcase(program, e) for program in programs)} == set()


def test_the_name_of_a_service_alone_stands_for_all_its_programs() -> None:
    signature = next(s for s in load_signatures() if s.emitters == ("barbican-*",))
    assert signature.written_by("barbican")
    assert signature.written_by("barbican-api")
    assert not signature.written_by("barbicane")
    assert not signature.written_by("nova-api")


def test_the_sign_for_any_openstack_service_leaves_the_infrastructure_out() -> None:
    signature = next(s for s in load_signatures() if s.id == "amqp-server-unreachable")
    written = {name for name in knowledge.read("programs.yaml")["programs"] if signature.written_by(name)}
    assert {"nova-compute", "keystone", "placement-api", "swift-proxy-server", "httpd", "horizon"} <= written
    assert (
        written & {"rabbitmq", "mariadb", "haproxy", "kernel", "systemd", "ovs-vswitchd", "libvirtd", "juju"} == set()
    )
