import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.diagnosis.claude.answers import QUOTE, answer, cause
from tests.diagnosis.claude.conftest import settings_for
from tests.messages_api.server import Fails, MessagesApi, Says

from openstack_rca.diagnosis import Case
from openstack_rca.diagnosis.claude import TOOLS, ClaudeAnalyst, EvidenceBook, Material, Toolbox, Workbench
from openstack_rca.records import Diagnosis, SimilarIncident

LOOK = Says("Looking.", calls=(("search_lines", {"text": "closing AMQP connection nova-compute"}),))
PAST = SimilarIncident("INC-7", 0.83, "nova-compute was killed", "more memory")


@pytest.fixture
def toolbox(case: Case, offline: Diagnosis) -> Toolbox:
    book = EvidenceBook(case, offline.evidence)
    return Toolbox(
        Workbench(case, book, incidents=lambda text: [PAST], signatures=lambda text: ["nova-compute-down: dead"])
    )


def results(body: dict[str, Any]) -> list[str]:
    return [b["content"] for m in body["messages"] for b in m["content"] if b["type"] == "tool_result"]


def test_the_model_looks_and_then_concludes(case: Case, offline: Diagnosis) -> None:
    with MessagesApi([LOOK, Says(answer())]) as api:
        found = ClaudeAnalyst(settings_for(api.url)).diagnose(case, offline, investigating=True)
    assert not api.problems
    assert found.answered
    assert [t["name"] for t in api.requests[0]["tools"]] == list(TOOLS)
    [result] = results(api.requests[1])
    assert "closing AMQP connection" in result
    assert re.search(r"^<result_[0-9a-f]{8}>\n", result)
    assert (found.use.calls, found.use.input_tokens) == (2, 2000)


def test_a_line_found_by_a_tool_can_be_cited(case: Case, offline: Diagnosis) -> None:
    look = Says(calls=(("search_lines", {"text": "spawned successfully", "service": "nova-compute", "limit": 25}),))
    with MessagesApi([look, Says(answer())]) as api:
        ClaudeAnalyst(settings_for(api.url)).diagnose(case, offline, investigating=True)
    seen = re.findall(r"^(E\d+) .*(spawned successfully)", results(api.requests[1])[0], re.MULTILINE)
    new = next(i for i, _ in seen if i not in {e.id for e in offline.evidence})
    cites = answer(cause(evidence=["E1", new], quotes=[{"evidence": new, "text": "spawned successfully"}]))
    with MessagesApi([look, Says(cites)]) as api:
        found = ClaudeAnalyst(settings_for(api.url)).diagnose(case, offline, investigating=True)
    assert len(api.requests) == 2
    assert new in found.diagnosis.causes[0].evidence
    assert any(e.id == new and "spawned successfully" in e.text for e in found.diagnosis.evidence)


def test_calls_are_bounded_and_the_model_is_made_to_answer(case: Case, offline: Diagnosis) -> None:
    looks = [Says(calls=(("count_by_time", {"text": f"word{n}"}),)) for n in range(9)]
    with MessagesApi([*looks[:3], Says(answer())]) as api:
        settings = settings_for(api.url, max_calls=5)
        found = ClaudeAnalyst(settings).diagnose(case, offline, investigating=True)
    assert found.answered
    assert [r["tool_choice"]["type"] for r in api.requests] == ["auto", "auto", "auto", "none"]
    assert "no calls left" in api.requests[3]["messages"][-1]["content"][-1]["text"]


def test_a_model_that_only_calls_is_not_followed_forever(case: Case, offline: Diagnosis) -> None:
    with MessagesApi([LOOK] * 9) as api:
        found = ClaudeAnalyst(settings_for(api.url, max_calls=4)).diagnose(case, offline, investigating=True)
    assert found.diagnosis == offline
    assert len(api.requests) == 4


def test_time_ends_an_investigation(case: Case, offline: Diagnosis) -> None:
    with MessagesApi([LOOK, Says(answer())]) as api:
        settings = settings_for(api.url, investigation_seconds=0.001)
        ClaudeAnalyst(settings).diagnose(case, offline, investigating=True)
    assert [r["tool_choice"]["type"] for r in api.requests] == ["auto", "none"]


@pytest.mark.parametrize("budget", [4500, 8000])
def test_every_request_stays_within_its_tokens(case: Case, offline: Diagnosis, budget: int) -> None:
    from openstack_rca.diagnosis.claude.counting import tokens

    wide = Says(
        calls=tuple(("search_lines", {"text": t, "limit": 25}) for t in ("nova", "req", "compute", "info", "a"))
    )
    with MessagesApi([wide] * 3 + [Says(answer())] * 5) as api:
        settings = settings_for(api.url, max_input_tokens=budget)
        ClaudeAnalyst(settings).diagnose(case, offline, investigating=True)
    assert len(api.requests) >= 2
    for body in api.requests:
        texts = [b.get("text") or b.get("content") or str(b) for m in body["messages"] for b in m["content"]]
        assert sum(tokens(t) for t in texts) + tokens(body["system"][0]["text"]) < budget


def test_an_equal_call_is_not_answered_twice(case: Case, offline: Diagnosis) -> None:
    with MessagesApi([LOOK, LOOK, Says(answer())]) as api:
        ClaudeAnalyst(settings_for(api.url)).diagnose(case, offline, investigating=True)
    first, second = results(api.requests[2])
    assert "closing AMQP" in first
    assert "asked this before" in second


def test_a_failure_midway_gives_the_offline_diagnosis(case: Case, offline: Diagnosis) -> None:
    with MessagesApi([LOOK, Fails(529, "overloaded_error")]) as api:
        found = ClaudeAnalyst(settings_for(api.url)).diagnose(case, offline, investigating=True)
    assert found.diagnosis == offline
    assert "overloaded" in found.notes[0]
    assert found.use.calls == 1


def test_a_kept_investigation_is_replayed_without_the_model(case: Case, offline: Diagnosis, tmp_path: Path) -> None:
    look = Says(calls=(("search_lines", {"text": "spawned successfully", "limit": 25}),))
    with MessagesApi([look, Says(answer())]) as api:
        ClaudeAnalyst(settings_for(api.url)).diagnose(case, offline, investigating=True)
        [result] = results(api.requests[1])
    new = re.findall(r"^(E\d+) .*spawned successfully", result, re.MULTILINE)[-1]
    with MessagesApi([look, Says(answer(cause(evidence=["E1", new])))]) as api:
        settings = settings_for(api.url)
        first = ClaudeAnalyst(settings, tmp_path / "a").diagnose(case, offline, investigating=True)
        again = ClaudeAnalyst(settings, tmp_path / "a").diagnose(case, offline, investigating=True)
        assert len(api.requests) == 2
    assert again.diagnosis == first.diagnosis
    assert new in again.diagnosis.causes[0].evidence


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("search_lines", {"text": QUOTE, "service": "nova-scheduler", "level": "warning"}, "E1 nova-scheduler"),
        ("search_lines", {"text": "no such words anywhere"}, "No line matches."),
        ("search_lines", {"text": "", "host": "compute-2", "limit": 3}, "3 are shown"),
        ("follow_request", {"id": "6dcf1351-0c1f-4984-bf36-3e3732ebeded"}, "Claim successful"),
        ("follow_request", {"id": "req-nothing"}, "No line is about req-nothing"),
        ("compare_with_baseline", {"service": "nova-scheduler"}, "has not been heard from"),
        ("count_by_time", {"text": "heard from in a while", "minutes": 1}, "by 60s: 09:16:00"),
        ("read_around", {"evidence": "E2", "lines": 4}, "E2 rabbitmq"),
        ("read_around", {"evidence": "E999"}, "There is no line E999"),
        ("search_incidents", {"text": "compute"}, "INC-7 (similarity 0.83)"),
        ("search_signatures", {"text": "compute"}, "nova-compute-down"),
        ("search_lines", {"limit": 3}, "text is wrong"),
        ("read_around", {"evidence": "E1", "lines": 10**6}, "lines is wrong"),
        ("delete_everything", {}, "There is no tool"),
    ],
)
def test_each_tool(toolbox: Toolbox, name: str, arguments: dict[str, Any], words: str) -> None:
    assert words in toolbox.call(name, arguments, 4000)


def test_an_answer_of_a_tool_fits_its_room(toolbox: Toolbox) -> None:
    from openstack_rca.diagnosis.claude.counting import tokens

    said = toolbox.call("search_lines", {"text": "nova", "limit": 25}, 500)
    assert tokens(said) <= 500
    assert "lines left out" in said


def test_silence_counts_as_zero(toolbox: Toolbox) -> None:
    said = toolbox.call("count_by_time", {"service": "nova-compute", "level": "warning", "minutes": 0.25}, 2000)
    assert re.search(r"\d\d:\d\d:\d\d 0", said)


def test_without_searches_the_tools_say_so(case: Case, offline: Diagnosis) -> None:
    toolbox = Toolbox(Workbench(case, EvidenceBook(case, offline.evidence)))
    assert "no memory" in toolbox.call("search_incidents", {"text": "x"}, 100)
    assert "no signatures" in toolbox.call("search_signatures", {"text": "x"}, 100)


def test_past_incidents_reach_the_context(case: Case, offline: Diagnosis) -> None:
    def said(past: SimilarIncident) -> str:
        return ClaudeAnalyst(settings_for("http://unused")).dry_run(case, offline, Material(similar=(past,)))

    told = "INC-7 (similarity 0.83): nova-compute was killed — "
    assert f"{told}not confirmed, recommended then: more memory" in said(PAST)
    assert f"{told}solved by: more memory" in said(replace(PAST, confirmed=True))
