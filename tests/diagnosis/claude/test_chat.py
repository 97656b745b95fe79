import json
from datetime import datetime

import pytest
from tests.diagnosis.claude.conftest import settings_for
from tests.messages_api.server import Fails, MessagesApi, Says

from openstack_rca.diagnosis import Case
from openstack_rca.diagnosis.claude import Chat
from openstack_rca.errors import UnavailableError
from openstack_rca.records import Diagnosis, Inputs, Report, ServiceCount


@pytest.fixture
def report(offline: Diagnosis) -> Report:
    return Report(
        created_at=datetime(2026, 11, 22),
        issue="No new server is placed on compute-2.",
        category="Service Availability",
        severity="high",
        mode="full",
        diagnosis=offline,
        patterns=(),
        service_distribution={"nova-scheduler": ServiceCount(100, 0, 9)},
        affected_services=("nova-compute",),
        similar_incidents=(),
        inputs=Inputs(2820, 18, 50, (), {}),
        seconds_by_stage={},
    )


def says(text: str, *evidence: str) -> Says:
    return Says(json.dumps({"answer": text, "evidence": list(evidence)}))


GOOD = says("nova-compute on compute-2 was not heard from [E1].", "E1")


def test_a_question_is_answered_from_the_report(report: Report, case: Case, heard: list[str]) -> None:
    with MessagesApi([GOOD]) as api:
        chat = Chat(settings_for(api.url), report, case.topology)
        answer = chat.ask("Why is compute-2 left out?", heard.append)
    assert not api.problems
    assert (answer.text, answer.evidence, answer.notes) == (
        "nova-compute on compute-2 was not heard from [E1].", ("E1",), (),
    )  # fmt: skip
    assert "".join(heard).strip() == answer.text
    sent = api.requests[0]["messages"][0]["content"]
    assert "has not been heard from in a while" in sent[0]["text"]
    assert sent[1]["text"] == "Why is compute-2 left out?"
    assert chat.use.calls == 1


def test_the_conversation_goes_on(report: Report, case: Case) -> None:
    with MessagesApi([GOOD, says("Since 09:16 [E2].", "E2")]) as api:
        chat = Chat(settings_for(api.url), report, case.topology)
        chat.ask("Why?")
        assert chat.ask("Since when?").evidence == ("E2",)
    assert not api.problems
    assert [m["role"] for m in api.requests[1]["messages"]] == ["user", "assistant", "user"]


def test_the_oldest_turns_go_when_it_grows_too_long(report: Report, case: Case) -> None:
    from openstack_rca.diagnosis.claude.counting import tokens

    question = "And what about the network of the host, is it all right or is there more to see? " * 6
    with MessagesApi([GOOD] * 12) as api:
        chat = Chat(settings_for(api.url, max_input_tokens=4000), report, case.topology)
        for _ in range(12):
            chat.ask(question)
    assert not api.problems
    assert len(api.requests[-1]["messages"]) < 23
    assert api.requests[-1]["messages"][0]["content"][0] == {
        k: v for k, v in api.requests[0]["messages"][0]["content"][0].items() if k != "cache_control"
    }
    for body in api.requests:
        texts = [b["text"] for m in body["messages"] for b in m["content"]]
        assert sum(map(tokens, texts)) + tokens(body["system"][0]["text"]) < 4000


def test_what_the_report_does_not_hold_is_corrected_or_struck(report: Report, case: Case) -> None:
    wrong = says('compute-9 wrote "the disk is burning now", see E99 and https://example.org/fix.', "E99")
    with MessagesApi([wrong, GOOD]) as api:
        assert Chat(settings_for(api.url), report, case.topology).ask("Why?").notes == ()
    assert "E99 does not exist" in api.requests[1]["messages"][-1]["content"][-1]["text"]
    with MessagesApi([wrong, wrong]) as api:
        answer = Chat(settings_for(api.url), report, case.topology).ask("Why?")
    for invented in ("compute-9", "burning", "E99", "example.org"):
        assert invented not in answer.text
    assert answer.evidence == ()
    assert "E99 does not exist" in answer.notes[0]
    assert answer.notes[1] == "No line of the report bears this answer."


def test_failures_are_sentences(report: Report, case: Case) -> None:
    with MessagesApi(
        [Says("no json"), Says("still none"), Says("", stop="refusal"), Fails(529, "overloaded_error"), GOOD]
    ) as api:
        chat = Chat(settings_for(api.url), report, case.topology)
        assert chat.ask("Why?").notes == ("The language model gave no usable answer.",)
        assert chat.ask("Why?").notes == ("The language model refused to answer.",)
        with pytest.raises(UnavailableError, match="overloaded"):
            chat.ask("Why?")
        assert chat.ask("Why?").evidence == ("E1",)
    assert not api.problems


def test_secrets_of_a_question_stay_here(report: Report, case: Case) -> None:
    with MessagesApi([says("It is <password-1> [E1].", "E1")]) as api:
        answer = Chat(settings_for(api.url), report, case.topology).ask("Is password=Zq81kLmX9 wrong?")
    assert "Zq81kLmX9" not in api.sent
    assert answer.text == "It is Zq81kLmX9 [E1]."
