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


def match(similarity: float, days: float = 1.0, *, culprit: Culprit = RABBIT, confirmed: bool = True) -> Match:
    then = NOW - timedelta(days=days)
    incident = from_report(report(created_at=then.isoformat()))
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
    (first, second) = prior([cause("nova-api", 0.7)], [match(0.85)], NOW, cite=lambda m: ("E1",))
    assert (first.component, first.service, first.host, first.evidence) == ("rabbitmq", "rabbitmq", None, ("E1",))
    assert "The broker was down." in first.statement
    assert first.remediation == "Started it."
    assert second.component == "nova-api"


def test_logs_that_are_only_alike_bring_nothing_back() -> None:
    assert order(prior([cause("nova-api", 0.7)], [match(0.74)], NOW)) == ["nova-api"]


def test_a_cause_that_comes_back_after_long_stands_behind() -> None:
    assert order(prior([cause("nova-api", 0.7)], [match(0.85, days=200)], NOW)) == ["nova-api", "rabbitmq"]


def test_the_place_in_the_code_is_remembered() -> None:
    seen = cause("nova-api", 0.7, code=CodeLocation("nova/api/servers.py", None, "index"))
    culprit = Culprit("nova", "nova-api", None, "bug", "nova/objects/instance.py:save")
    (first,) = prior([seen], [match(0.9, culprit=culprit)], NOW)
    assert first.code == CodeLocation("nova/objects/instance.py", None, "save")
    assert (first.evidence, first.statement) == (seen.evidence, seen.statement)


def test_an_inconclusive_diagnosis_stays_one() -> None:
    assert prior([], [match(0.99)], NOW) == ()


def test_confidence_stays_a_share() -> None:
    assert all(c.confidence <= 1 for c in prior([cause("rabbitmq", 0.95)], [match(1.0, days=0)], NOW))
