from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.incidents.reports import report

from openstack_rca.incidents.incident import Culprit, from_report
from openstack_rca.incidents.learning import MOST, prior
from openstack_rca.incidents.memory import Match
from openstack_rca.records import Cause, CodeLocation

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RABBIT = Culprit("rabbitmq", "rabbitmq", "controller-1", "service-down")


def cause(component: str, confidence: float, rank: int = 1, code: CodeLocation | None = None) -> Cause:
    service = component.split("-")[0]
    return Cause(rank, service, component, None, "service-down", f"{component} is down", confidence, ("E1",), "", code)


def match(
    similarity: float,
    days: float = 1.0,
    *,
    culprit: Culprit = RABBIT,
    confirmed: bool = True,
    blamed: str = "nova-compute",
    code: tuple[str, ...] = (),
) -> Match:
    """Return a past incident whose logs blamed a component, and what it was."""
    then = NOW - timedelta(days=days)
    incident = from_report(report(created_at=then.isoformat(), component=blamed))
    incident = replace(incident, fingerprint=replace(incident.fingerprint, code=code))
    if confirmed:
        incident = incident.resolved("Started it.", then, root_cause="The broker was down.", culprit=culprit)
    return Match(incident, similarity)


def order(causes: tuple[Cause, ...]) -> list[str]:
    assert [c.rank for c in causes] == list(range(1, len(causes) + 1))
    return [c.component for c in causes]


SUSPECTS = (cause("nova-api", 0.60), cause("rabbitmq", 0.50, 2))


def test_a_confirmed_incident_decides_between_causes_about_equally_likely() -> None:
    assert order(prior(SUSPECTS, [match(0.72)], NOW)) == ["rabbitmq", "nova-api"]


@pytest.mark.parametrize(
    "matches",
    [
        [],
        [match(0.72, confirmed=False)],
        [match(0.72, days=700)],
        [match(0.72, culprit=Culprit("glance", "glance-api", None, "service-down"))],
    ],
    ids=["none", "unconfirmed", "old", "another cause"],
)
def test_what_is_not_known_for_sure_or_long_ago_decides_nothing(matches: list[Match]) -> None:
    assert order(prior(SUSPECTS, matches, NOW)) == ["nova-api", "rabbitmq"]


def test_an_old_habit_does_not_hide_a_new_fault() -> None:
    suspects = (cause("nova-api", 0.80), cause("rabbitmq", 0.80 / (1 + MOST) - 0.01, 2))
    habit = [match(0.74, days=d) for d in range(100)]
    assert order(prior(suspects, habit, NOW)) == ["nova-api", "rabbitmq"]


def test_ten_incidents_alike_count_as_one() -> None:
    assert prior(SUSPECTS, [match(0.72)] * 10, NOW) == prior(SUSPECTS, [match(0.72)], NOW)


def test_very_like_logs_bring_back_a_cause_that_they_do_not_name() -> None:
    (first, second) = prior([cause("nova-compute", 0.7)], [match(0.85)], NOW, cite=lambda m: ("E1",))
    assert (first.component, first.service, first.host, first.evidence) == ("rabbitmq", "rabbitmq", None, ("E1",))
    assert "The broker was down." in first.statement
    assert first.remediation == "Started it."
    assert second.component == "nova-compute"


@pytest.mark.parametrize(
    "new",
    [
        cause("nova-api", 0.5),
        cause("nova-compute", 0.5, code=CodeLocation("nova/compute/manager.py", None, "_build_instance")),
    ],
    ids=["a component that was not blamed", "a place that was not there"],
)
def test_a_memory_full_of_another_fault_does_not_hide_a_new_one(new: Cause) -> None:
    causes = prior([new], [match(0.94, days=d / 10) for d in range(100)], NOW, cite=lambda m: ("E1",))
    assert order(causes) == [new.component, "rabbitmq"]
    assert causes[0].statement == new.statement


def test_among_incidents_equally_alike_the_logs_decide() -> None:
    place = CodeLocation("nova/compute/api.py", None, "attach")
    seen = cause("nova-compute", 0.6, code=place)
    same = Culprit("nova", "nova-compute", None, "service-down", "nova/compute/api.py:attach")
    causes = prior([seen], [match(0.93), match(0.92, culprit=same)], NOW)
    assert [(c.component, c.code) for c in causes] == [("nova-compute", place)]
    assert order(prior([seen], [match(0.93), match(0.8, culprit=same)], NOW)) == ["nova-compute", "rabbitmq"]


def test_among_incidents_equally_alike_the_more_frequent_cause_comes_back() -> None:
    other = Culprit("glance", "glance-api", "c9", "storage")
    suspects = [cause("nova-compute", 0.6)]
    near = [match(0.93), match(0.92, culprit=other), match(0.91, culprit=replace(other, host="c1"))]
    assert order(prior(suspects, near, NOW)) == ["glance-api", "nova-compute"]
    far = [match(0.99), *[match(0.92, culprit=other)] * 50]
    assert order(prior(suspects, far, NOW)) == ["rabbitmq", "nova-compute"]


def test_of_two_causes_in_one_component_the_one_that_it_was_is_raised() -> None:
    other, true = CodeLocation("nova/a.py", None, "f"), CodeLocation("nova/b.py", "B", "g")
    causes = [cause("nova-api", 0.6, code=other), cause("nova-api", 0.3, 2, code=true)]
    culprit = Culprit("nova", "nova-api", None, "service-down", "nova/b.py:g")
    assert [c.code for c in prior(causes, [match(0.9, culprit=culprit, blamed="nova-api")], NOW)] == [other, true]
    wrong = match(0.9, culprit=culprit, blamed="nova-api", code=("nova/a.py:f",))
    assert [c.code for c in prior(causes, [wrong], NOW)] == [true, other]


def test_logs_that_are_only_alike_bring_nothing_back() -> None:
    assert order(prior([cause("nova-compute", 0.7)], [match(0.74)], NOW)) == ["nova-compute"]


def test_a_cause_that_comes_back_after_long_stands_behind() -> None:
    assert order(prior([cause("nova-compute", 0.7)], [match(0.85, days=200)], NOW)) == ["nova-compute", "rabbitmq"]


def test_the_place_in_the_code_is_remembered() -> None:
    seen = cause("nova-api", 0.7, code=CodeLocation("nova/api/servers.py", None, "index"))
    culprit = Culprit("nova", "nova-api", None, "bug", "nova/objects/instance.py:save")
    then = match(0.9, culprit=culprit, blamed="nova-api", code=("nova/api/servers.py:index",))
    (first,) = prior([seen], [then], NOW)
    assert first.code == CodeLocation("nova/objects/instance.py", None, "save")
    assert (first.evidence, first.statement) == (seen.evidence, seen.statement)


def test_an_inconclusive_diagnosis_stays_one() -> None:
    assert prior([], [match(0.99)], NOW) == ()


def test_confidence_stays_a_share() -> None:
    assert all(c.confidence <= 1 for c in prior([cause("rabbitmq", 0.95)], [match(1.0, days=0)], NOW))
