from pathlib import Path
from typing import Any

import pytest
from tests.diagnosis.claude.answers import QUOTE, answer, cause
from tests.diagnosis.claude.conftest import settings_for
from tests.messages_api.server import KEY, Fails, MessagesApi, Reply, Says, Sends

from openstack_rca.diagnosis import Case
from openstack_rca.diagnosis.claude import ClaudeAnalyst, Conclusion, Material
from openstack_rca.errors import UnavailableError
from openstack_rca.records import Diagnosis, SimilarIncident
from openstack_rca.settings import load_settings


def ask(case: Case, offline: Diagnosis, *replies: Reply, **llm: Any) -> tuple[Conclusion, MessagesApi]:
    with MessagesApi(replies) as api:
        conclusion = ClaudeAnalyst(settings_for(api.url, **llm)).diagnose(case, offline)
    assert not api.problems
    return conclusion, api


def test_a_good_answer_becomes_the_diagnosis(case: Case, offline: Diagnosis, heard: list[str]) -> None:
    with MessagesApi([Says(answer())]) as api:
        conclusion = ClaudeAnalyst(settings_for(api.url)).diagnose(case, offline, heard=heard.append)
    found = conclusion.diagnosis
    assert (found.analyst, conclusion.answered, len(api.requests)) == ("claude-test", True, 1)
    first = found.causes[0]
    assert (first.component, first.host, first.service, first.evidence) == (
        "nova-compute", "compute-2", "nova", ("E1", "E2"),
    )  # fmt: skip
    assert not found.inconclusive
    assert found.timeline[0].time == next(e.time for e in found.evidence if e.id == "E2")
    assert [r.evidence for r in found.refuted] == [("E2",)]
    assert "died at 09:16:18" in "".join(heard)
    assert len(heard) > 3
    assert (conclusion.use.calls, conclusion.use.input_tokens, conclusion.use.output_tokens) == (1, 1000, 50)
    assert conclusion.dollars == pytest.approx(0.00375)
    assert "$0.004" in conclusion.notes[-1]


def test_the_stable_parts_are_marked_for_the_prompt_cache(case: Case, offline: Diagnosis) -> None:
    _, api = ask(case, offline, Says(answer()))
    [sent] = api.requests
    assert sent["system"][-1]["cache_control"] == {"type": "ephemeral"}
    assert sent["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}
    assert sent["stream"] is True


@pytest.mark.parametrize("budget", [2500, 4000, 8000])
def test_a_request_stays_within_its_tokens(case: Case, offline: Diagnosis, budget: int) -> None:
    analyst = ClaudeAnalyst(settings_for("http://unused", max_input_tokens=budget))
    said = analyst.dry_run(case, offline)
    counted = int(said.split("at most ")[1].split(" tokens")[0].replace(",", ""))
    assert budget * 0.75 < counted <= budget


FAILURES = {
    "overloaded": (Fails(529, "overloaded_error", "Overloaded"), "overloaded"),
    "rate limit": (Fails(429, "rate_limit_error"), "rate limit"),
    "wrong key": (Fails(401, "authentication_error"), "ANTHROPIC_API_KEY"),
    "no such model": (Fails(404, "not_found_error"), "AI_MODEL"),
    "bad request": (
        Fails(400, "invalid_request_error", f"the key {KEY} is odd"),
        "refused the request (400: the key …",
    ),
    "broken service": (Fails(500, "api_error"), "failed or is overloaded"),
    "not the API": (Sends(b"<html>hello</html>"), "not the Messages API"),
    "refusal": (Says("I cannot help with that.", stop="refusal"), "refused to answer"),
    "slow": (Says(answer(), pause=1.5), "no answer within 0.5 seconds"),
    "stalled": (Says(answer(), stalls=1.5), "no answer within 0.5 seconds"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_gives_the_offline_diagnosis_and_a_sentence(case: Case, offline: Diagnosis, name: str) -> None:
    reply, words = FAILURES[name]
    conclusion, _ = ask(case, offline, reply, reply, timeout_seconds=0.5 if name in ("slow", "stalled") else 60.0)
    assert not conclusion.answered
    assert conclusion.diagnosis == offline
    assert words in conclusion.notes[0]
    assert conclusion.notes[0].endswith(".")
    assert KEY not in str(conclusion)


@pytest.mark.parametrize(
    "reply",
    [
        Says("I think it is the network."),
        Says('{"causes": []}'),
        Says(answer()[:200], stop="max_tokens"),
        Says(answer(cause(confidence=7))),
        Says(""),
    ],
    ids=["prose", "other form", "cut off", "out of bounds", "empty"],
)
def test_an_unusable_answer_is_asked_for_once_more(case: Case, offline: Diagnosis, reply: Says) -> None:
    conclusion, api = ask(case, offline, reply, Says(answer()))
    assert conclusion.answered
    assert len(api.requests) == 2
    last = api.requests[1]["messages"][-1]
    assert last["role"] == "user"
    assert "answer" in last["content"][-1]["text"].lower()
    conclusion, api = ask(case, offline, reply, reply)
    assert conclusion.diagnosis == offline
    assert conclusion.notes[0].endswith("this is the offline analyst's diagnosis.")


@pytest.mark.parametrize("broken", [Says(answer(), breaks_after=5), Says(answer(), error_after="overloaded_error")])
def test_a_stream_that_breaks_is_asked_for_again(case: Case, offline: Diagnosis, broken: Says) -> None:
    conclusion, api = ask(case, offline, broken, Says(answer()))
    assert conclusion.answered
    assert len(api.requests) == 2
    conclusion, _ = ask(case, offline, broken, broken)
    assert conclusion.diagnosis == offline


def test_what_is_heard_begins_anew_after_a_break(case: Case, offline: Diagnosis, heard: list[str]) -> None:
    with MessagesApi([Says(answer(), breaks_after=8), Says(answer())]) as api:
        ClaudeAnalyst(settings_for(api.url)).diagnose(case, offline, heard=heard.append)
    assert "".join(heard).count("Start nova-compute on compute-2") >= 1
    assert "The broker loses nova-compute of compute-2.\n" in "".join(heard)


def test_a_passing_overload_is_waited_for(case: Case, offline: Diagnosis) -> None:
    overload = Fails(529, "overloaded_error")
    conclusion, api = ask(case, offline, overload, Fails(429, "rate_limit_error"), Says(answer()), max_retries=2)
    assert conclusion.answered
    assert [h["x-stainless-retry-count"] for h in api.headers] == ["0", "1", "2"]


def test_nobody_at_the_address(case: Case, offline: Diagnosis) -> None:
    with MessagesApi([]) as api:
        gone = api.url
    conclusion = ClaudeAnalyst(settings_for(gone)).diagnose(case, offline)
    assert conclusion.diagnosis == offline
    assert "cannot be reached" in conclusion.notes[0]


def test_what_does_not_hold_is_told_to_the_model_once(case: Case, offline: Diagnosis) -> None:
    wrong = answer(cause(evidence=["E1", "E999"], host="compute-77"))
    conclusion, api = ask(case, offline, Says(wrong), Says(answer()))
    told = api.requests[1]["messages"][-1]["content"][-1]["text"]
    assert "E999 does not exist" in told
    assert "no host compute-77" in told

    assert conclusion.diagnosis.causes[0].host == "compute-2"
    assert not any("Struck" in n for n in conclusion.notes)


def test_a_planted_wrong_answer_never_becomes_a_fact(case: Case, offline: Diagnosis) -> None:
    planted = answer(
        cause(component="cinder-volume", host="storage-9", evidence=["E998", "E999"], quotes=[]),
        cause(component="nova-frobnicator", evidence=["E1"]),
        cause(quotes=[{"evidence": "E1", "text": "disk sda1 failed with status 42"}]),
        timeline=[{"evidence": "E997", "event": "The disk broke."}],
        refuted=[],
    )
    conclusion, _ = ask(case, offline, Says(planted), Says(planted))
    assert conclusion.diagnosis == offline
    assert not conclusion.answered


def test_a_partly_wrong_answer_is_struck_and_marked(case: Case, offline: Diagnosis) -> None:
    partly = answer(
        cause(
            host="compute-9",
            evidence=["E1", "E555"],
            statement=(
                'nova-compute on compute-9 (10.99.0.7) wrote "Killed process 4242 in cgroup", see E556, '
                "https://bugs.launchpad.net/bugs/1 and nova-compute.log:99999."
            ),
            code="nova/compute/nothing.py run",
        )
    )
    conclusion, _ = ask(case, offline, Says(partly), Says(partly))
    first = conclusion.diagnosis.causes[0]
    assert conclusion.answered
    assert (first.host, first.code, first.evidence) == (None, None, ("E1",))
    for invented in ("compute-9", "10.99.0.7", "Killed process", "E556", "launchpad", "99999"):
        assert invented not in first.statement
    [note] = [n for n in conclusion.notes if n.startswith("Struck")]
    assert "E555 does not exist" in note
    assert "no host compute-9" in note


def test_leaving_out_what_the_rules_found_does_not_refute_it(case: Case, offline: Diagnosis) -> None:
    other = cause(
        component="rabbitmq", host="", evidence=["E2"], quotes=[], statement="The broker failed.", confidence=0.6
    )
    conclusion, _ = ask(case, offline, Says(answer(other, refuted=[])), Says(answer(other, refuted=[])))
    ranked = [(c.rank, c.component) for c in conclusion.diagnosis.causes[:2]]
    assert ranked == [(1, "rabbitmq"), (2, "nova-compute")]
    assert conclusion.diagnosis.causes[1].confidence <= 0.6


def test_an_honest_inconclusive_stands(case: Case, offline: Diagnosis) -> None:
    unsure = answer(inconclusive=True, causes=[], refuted=[], open_questions=["The log of libvirt is missing."])
    conclusion, _ = ask(case, offline, Says(unsure))
    assert conclusion.diagnosis.inconclusive
    assert conclusion.diagnosis.open_questions == ("The log of libvirt is missing.",)
    assert conclusion.diagnosis.causes[0].component == "nova-compute"


def test_equal_evidence_is_answered_from_the_cache_unless_fresh(case: Case, offline: Diagnosis, tmp_path: Path) -> None:
    with MessagesApi([Says(answer()), Says(answer(cause(confidence=0.5)))]) as api:
        settings = settings_for(api.url)
        first = ClaudeAnalyst(settings, tmp_path / "answers").diagnose(case, offline)
        again = ClaudeAnalyst(settings, tmp_path / "answers").diagnose(case, offline)
        assert len(api.requests) == 1
        fresh = ClaudeAnalyst(settings, tmp_path / "answers").diagnose(case, offline, fresh=True)
        assert len(api.requests) == 2
    assert again.diagnosis == first.diagnosis
    assert (again.use.calls, again.dollars) == (0, 0.0)
    assert "answered this evidence before" in again.notes[0]
    assert fresh.diagnosis.causes[0].confidence == 0.5
    [file] = (tmp_path / "answers").iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_a_damaged_or_unwritable_cache_is_no_failure(case: Case, offline: Diagnosis, tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    with MessagesApi([Says(answer()), Says(answer()), Says(answer())]) as api:
        settings = settings_for(api.url)
        ClaudeAnalyst(settings, folder).diagnose(case, offline)
        [file] = folder.iterdir()
        file.write_text('{"text": 1')
        assert ClaudeAnalyst(settings, folder).diagnose(case, offline).answered
        (tmp_path / "file").write_text("")
        assert ClaudeAnalyst(settings, tmp_path / "file" / "x").diagnose(case, offline).answered
        assert len(api.requests) == 3


def test_the_dry_run_shows_what_is_sent(case: Case, offline: Diagnosis) -> None:
    past = SimilarIncident("INC-7", 0.83, "nova-compute was killed by the OOM killer", "more memory")
    material = Material(similar=(past,))
    with MessagesApi([Says(answer())]) as api:
        settings = settings_for(api.url)
        said = ClaudeAnalyst(settings).dry_run(case, offline, material)
        assert not api.requests
        ClaudeAnalyst(settings).diagnose(case, offline, material)
    [sent] = api.requests
    assert sent["messages"][0]["content"][0]["text"] in said
    assert sent["system"][0]["text"] in said
    assert "INC-7" in said
    assert f"{settings.llm.model}" in said
    assert "Nothing was sent" in said


def test_the_dry_run_needs_no_key(case: Case, offline: Diagnosis) -> None:
    analyst = ClaudeAnalyst(load_settings(AI_PROVIDER="none"))
    assert QUOTE in analyst.dry_run(case, offline)
    with pytest.raises(UnavailableError, match="AI_PROVIDER"):
        analyst.diagnose(case, offline)


def test_the_limits_and_the_model_are_sent(case: Case, offline: Diagnosis) -> None:
    _, api = ask(case, offline, Says(answer()), model="claude-other", max_output_tokens=777)
    assert (api.requests[0]["model"], api.requests[0]["max_tokens"]) == ("claude-other", 777)


def test_keeping_answers_can_be_switched_off(case: Case, offline: Diagnosis, tmp_path: Path) -> None:
    with MessagesApi([Says(answer()), Says(answer())]) as api:
        settings = settings_for(api.url, cache=False)
        for _ in range(2):
            ClaudeAnalyst(settings, tmp_path / "answers").diagnose(case, offline)
        assert len(api.requests) == 2
    assert not (tmp_path / "answers").exists()


def test_the_price_follows_the_settings(case: Case, offline: Diagnosis) -> None:
    dear = {"dollars_per_million_input": 1000.0, "dollars_per_million_output": 2000.0}
    conclusion, _ = ask(case, offline, Says(answer(), cache_read=500), **dear)
    assert conclusion.dollars == pytest.approx(1.0 + 0.05 + 0.1)
    assert conclusion.use.input_tokens == 1500
