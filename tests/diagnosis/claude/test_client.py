import socket
from typing import Any

import anthropic
import httpx2
import pytest
from tests.diagnosis.claude.conftest import settings_for
from tests.messages_api.server import KEY

from openstack_rca.diagnosis import Case
from openstack_rca.diagnosis.claude import Chat, ClaudeAnalyst, why_unavailable
from openstack_rca.diagnosis.claude.client import ClaudeClient, Request, Usage
from openstack_rca.diagnosis.claude.schema import ChatReply
from openstack_rca.errors import UnavailableError
from openstack_rca.records import Diagnosis
from openstack_rca.settings import Llm, Settings, load_settings

REQUEST = Request("Be brief.", [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}], ChatReply)


def every(kind: type[BaseException]) -> list[type[BaseException]]:
    return [kind, *(k for sub in kind.__subclasses__() for k in every(sub))]


def made(kind: type[Exception]) -> Exception:
    request = httpx2.Request("POST", "http://x/v1/messages", headers={"authorization": f"Bearer {KEY}"})
    response = httpx2.Response(getattr(kind, "status_code", 500), request=request)
    if issubclass(kind, anthropic.APIStatusError):
        return kind("no", response=response, body={"error": {"type": "x", "message": KEY}})
    if issubclass(kind, anthropic.APIResponseValidationError):
        return kind(response, None)
    if issubclass(kind, anthropic.APITimeoutError):
        return kind(request)
    if issubclass(kind, anthropic.APIConnectionError):
        return kind(message="no", request=request)
    if issubclass(kind, anthropic.APIError):
        return kind("no", request, body=None)
    try:
        return kind("no")
    except TypeError:  # takes other arguments than a text, which do not matter here
        return kind.__new__(kind)


FOREIGN = [*every(anthropic.AnthropicError), *every(httpx2.HTTPError), httpx2.InvalidURL, *every(httpx2.StreamError)]


@pytest.mark.parametrize("kind", dict.fromkeys(FOREIGN), ids=lambda k: k.__name__)
def test_no_foreign_error_is_forgotten(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    client = ClaudeClient(settings_for("http://unused", timeout_seconds=0.01))

    def fail(*args: Any) -> Any:
        raise made(kind)

    monkeypatch.setattr(client, "_stream", fail)
    with pytest.raises(UnavailableError) as caught:
        client.ask(REQUEST)
    sentence = str(caught.value)
    assert sentence.startswith("The language model ")
    assert sentence.endswith(".")
    assert KEY not in sentence
    assert isinstance(caught.value.__cause__, kind)


def test_a_bug_of_ours_is_not_taken_for_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    client = ClaudeClient(settings_for("http://unused"))

    def fail(*args: Any) -> Any:
        raise KeyError("ours")

    monkeypatch.setattr(client, "_stream", fail)
    with pytest.raises(KeyError):
        client.ask(REQUEST)


OFF = [
    ({"AI_PROVIDER": "none", "ANTHROPIC_API_KEY": KEY}, "switched off"),
    ({}, "ANTHROPIC_API_KEY"),
    ({"ANTHROPIC_API_KEY": "  "}, "ANTHROPIC_API_KEY"),
]


@pytest.mark.parametrize(("given", "words"), OFF, ids=["none", "no key", "empty key"])
def test_switched_off_or_without_key_no_connection_is_tried(
    given: dict[str, str], words: str, case: Case, offline: Diagnosis, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, lambda *args, **more: tried.append(args))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: tried.append(args) or [])
    settings = load_settings(ANTHROPIC_BASE_URL="http://127.0.0.1:9", **given)
    reason = why_unavailable(settings)
    assert reason
    assert words in reason
    analyst = ClaudeAnalyst(settings)
    analyst.dry_run(case, offline)
    with pytest.raises(UnavailableError, match=words):
        analyst.diagnose(case, offline)
    with pytest.raises(UnavailableError, match=words):
        Chat(settings, None, case.topology)  # type: ignore[arg-type]
    assert tried == []


def test_the_watched_sockets_would_have_seen_an_attempt(
    case: Case, offline: Diagnosis, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def connect(*args: object) -> None:
        tried.append(args)
        raise OSError("watched")

    monkeypatch.setattr(socket.socket, "connect", connect)
    ClaudeAnalyst(settings_for("http://127.0.0.1:9")).diagnose(case, offline)
    assert tried


def test_the_key_is_shown_nowhere() -> None:
    settings = settings_for("http://unused")
    assert KEY not in f"{settings!r} {settings} {settings.model_dump()} {vars(ClaudeClient(settings))}"


def test_the_model_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_MODEL", "claude-of-tomorrow")
    assert Settings().llm.model == "claude-of-tomorrow"
    monkeypatch.setenv("AI_MODEL", "")
    assert Settings().llm.model == Llm().model


def test_cached_input_is_priced_apart() -> None:
    used = Usage(calls=1, fresh=1_000_000, cache_written=1_000_000, cache_read=1_000_000, output=100_000)
    assert used.dollars(Llm()) == pytest.approx(3.0 + 3.75 + 0.3 + 1.5)
    assert (used + used).input == 6_000_000
