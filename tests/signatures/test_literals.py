import re

import pytest

from openstack_rca.signatures import load_signatures
from openstack_rca.signatures.literals import read_pattern


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        ("AMQP server on (?P<peer>\\w+) is unreachable", {"amqp server on "}),
        ("(?:lost|failed): libvirt", {": libvirt"}),
        ("Failed to start|Error defining", {"failed to start", "error defining"}),
        ("(?:Failed|Unable) to \\w+", {"failed", "unable"}),
        ("(?:never here)?Filter (\\w+)", {"filter "}),
        ("(?:ready){2}x*", {"ready"}),
        ("\\d+ \\w+", set()),
        ("abc|Failed to start", set()),
        ("[Uu]nable to", {"nable to"}),
    ],
)
def test_finds_what_each_match_must_contain(pattern: str, literals: set[str]) -> None:
    assert set(read_pattern(pattern).literals) == literals


def test_no_literal_is_asked_for_that_a_match_can_lack() -> None:
    for signature in load_signatures():
        for text in signature.examples.match:
            found = re.search(signature.pattern, text)
            assert found is not None
            assert any(needle in text.lower() for needle in signature.needles), signature.id
