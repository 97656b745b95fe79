"""The one door to the language model: a request in, a reply out, and every failure one sentence.

Errors of the SDK and of its HTTP library end here as UnavailableError. Secrets do not pass: what is sent was redacted
before, and what an error says of the request is cut and cleaned of the key.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, SecretStr

from openstack_rca.diagnosis.claude.schema import json_schema
from openstack_rca.errors import UnavailableError
from openstack_rca.settings import Llm, Settings

Heard = Callable[[str], None]
PUBLIC = "https://api.anthropic.com"
_MIDWAY_REPEATS = 1
"""A stream that breaks after it began is asked for again this often; what fails before it begins the SDK repeats."""
_LONGEST_COMPLAINT = 200


@dataclass(frozen=True)
class Request:
    """What is sent: the stable prompt, the conversation, the form of the answer, and the tools that may be called."""

    system: str
    messages: Sequence[dict[str, Any]]
    form: type[BaseModel]
    tools: Sequence[dict[str, Any]] = ()
    may_call: bool = True

    def body(self, llm: Llm) -> dict[str, Any]:
        """Return the arguments of the call. The prompt and the end of the conversation are marked to be cached."""
        cached = {"cache_control": {"type": "ephemeral"}}
        body: dict[str, Any] = {
            "model": llm.model,
            "max_tokens": llm.max_output_tokens,
            "system": [{"type": "text", "text": self.system, **cached}],
            "messages": list(self.messages),
            "output_config": {"format": {"type": "json_schema", "schema": json_schema(self.form)}},
        }
        if self.tools:
            body |= {"tools": list(self.tools), "tool_choice": {"type": "auto" if self.may_call else "none"}}
        return body


@dataclass(frozen=True)
class ToolCall:
    """A tool that the model wants called."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Usage:
    """What calls cost: requests, tokens that were read (cached ones apart), tokens that were written."""

    calls: int = 0
    fresh: int = 0
    cache_written: int = 0
    cache_read: int = 0
    output: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, f) + getattr(other, f) for f in self.__dataclass_fields__))

    @property
    def input(self) -> int:
        """Return all tokens that were read."""
        return self.fresh + self.cache_written + self.cache_read

    def dollars(self, llm: Llm) -> float:
        """Return an estimate of the price: writing the cache costs 1.25 times the input, reading it a tenth."""
        read = self.fresh + 1.25 * self.cache_written + 0.1 * self.cache_read
        return (read * llm.dollars_per_million_input + self.output * llm.dollars_per_million_output) / 1e6


@dataclass(frozen=True)
class Reply:
    """What came back: text, calls of tools, why it ended, what it cost, and the content to send back later."""

    text: str
    calls: tuple[ToolCall, ...]
    stop: str
    usage: Usage
    content: tuple[dict[str, Any], ...] = field(repr=False, default=())


def why_unavailable(settings: Settings) -> str | None:
    """Return the sentence that says why no model can be asked; None when one can. Nothing is connected to."""
    if settings.ai_provider == "none":
        return "The language model is switched off (AI_PROVIDER=none)."
    if settings.anthropic_api_key is None or not settings.anthropic_api_key.get_secret_value().strip():
        return "There is no key for the language model; set ANTHROPIC_API_KEY, or AI_PROVIDER=none for good."
    return None


class ClaudeClient:
    """Sends requests through the vendor's SDK; it is loaded with the first request, which takes a second or two."""

    def __init__(self, settings: Settings) -> None:
        """Raises UnavailableError when the settings allow no request."""
        if reason := why_unavailable(settings):
            raise UnavailableError(reason)
        self._llm = settings.llm
        self._key = settings.anthropic_api_key or SecretStr("")
        self._url = settings.anthropic_base_url or PUBLIC
        self._sdk: Any = None

    def ask(self, request: Request, listen: Callable[[], Heard] | None = None) -> Reply:
        """Return the model's reply; `listen` is called for each attempt and returns what gets its text as it comes.

        Raises UnavailableError with one sentence for whatever goes wrong.
        """
        import anthropic
        import httpx2

        foreign = (anthropic.AnthropicError, httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError)
        broken = (ValueError, AssertionError, RuntimeError)  # what the SDK raises on a stream that is not one
        for repeats in reversed(range(_MIDWAY_REPEATS + 1)):
            state = _Progress()
            try:
                return self._stream(request, listen() if listen else None, state)
            except (*foreign, *broken) as error:
                if not repeats or not state.began or not _may_pass(error):
                    raise UnavailableError(self._sentence(error)) from error
                time.sleep(min(1.0, self._llm.timeout_seconds / 100))
        raise AssertionError("the last attempt returns or raises")

    def _stream(self, request: Request, heard: Heard | None, state: "_Progress") -> Reply:
        with self._client().messages.stream(**request.body(self._llm)) as stream:
            state.began = True
            for event in stream:
                if event.type == "text" and heard:
                    heard(event.text)
            return _reply(stream.get_final_message())

    def _client(self) -> Any:
        if self._sdk is None:
            import anthropic

            self._sdk = anthropic.Anthropic(
                api_key=self._key.get_secret_value(),
                base_url=self._url,
                timeout=self._llm.timeout_seconds,
                max_retries=self._llm.max_retries,
            )
        return self._sdk

    def _sentence(self, error: Exception) -> str:
        """Return what went wrong and what to do about it."""
        import anthropic
        import httpx2

        where = self._url
        said = self._complaint(error)
        late = f"gave no answer within {self._llm.timeout_seconds:g} seconds; see llm.timeout_seconds"
        sentences: list[tuple[type[BaseException], str]] = [
            (anthropic.APITimeoutError, late),
            (httpx2.TimeoutException, late),
            (httpx2.HTTPError, "broke off its answer"),
            (anthropic.APIConnectionError, f"cannot be reached at {where}; check the network and ANTHROPIC_BASE_URL"),
            (anthropic.APIResponseValidationError, f"at {where} answered in a form that is not the Messages API"),
            (anthropic.AuthenticationError, "did not accept the key; check ANTHROPIC_API_KEY"),
            (anthropic.PermissionDeniedError, f"does not allow this to the key{said}"),
            (
                anthropic.NotFoundError,
                f"at {where} knows no model {self._llm.model!r}; check AI_MODEL and ANTHROPIC_BASE_URL",
            ),
            (anthropic.RateLimitError, f"takes no more requests for now (rate limit), {self._repeats()}"),
            (anthropic.InternalServerError, f"failed or is overloaded{said}, {self._repeats()}"),
            (anthropic.APIStatusError, f"refused the request{said}"),
            (anthropic.CredentialsError, "did not get its credentials; check ANTHROPIC_API_KEY"),
            (anthropic.AnthropicError, f"failed ({type(error).__name__})"),
            (Exception, f"at {where} answered in a form that is not the Messages API"),
        ]
        found = next(text for kind, text in sentences if isinstance(error, kind))
        return f"The language model {found}."

    def _repeats(self) -> str:
        n = self._llm.max_retries
        return f"also after {n} repeats" if n > 1 else "also after a repeat" if n else "and repeats are switched off"

    def _complaint(self, error: Exception) -> str:
        """Return status and words of the service, short and without the key."""
        status, words = getattr(error, "status_code", None), getattr(error, "api_message", None) or ""
        key = self._key.get_secret_value()
        clean = " ".join(str(words).replace(key, "…").split())[:_LONGEST_COMPLAINT].rstrip(".")
        return f" ({': '.join(str(part) for part in (status, clean) if part)})" if status or clean else ""


@dataclass
class _Progress:
    """Whether a stream began, so that only what breaks midway is repeated here."""

    began: bool = False


def _may_pass(error: Exception) -> bool:
    """Say whether asking again makes sense: not when the service said that the request itself is wrong."""
    status = getattr(error, "status_code", 0)
    kind = getattr(error, "type", None)
    return kind in ("overloaded_error", "api_error", "rate_limit_error", "timeout_error") or not 400 <= status < 500


def _reply(message: Any) -> Reply:
    """Translate the SDK's message. Raises ValueError for a stream that ended before it was complete."""
    if message.stop_reason is None:
        raise ValueError("the stream ended early")
    usage = message.usage
    calls = tuple(ToolCall(b.id, b.name, dict(b.input)) for b in message.content if b.type == "tool_use")
    return Reply(
        text="".join(b.text for b in message.content if b.type == "text"),
        calls=calls,
        stop=message.stop_reason,
        usage=Usage(
            1,
            usage.input_tokens,
            usage.cache_creation_input_tokens or 0,
            usage.cache_read_input_tokens or 0,
            usage.output_tokens,
        ),
        content=tuple(_sent_back(b) for b in message.content),
    )


def _sent_back(block: Any) -> dict[str, Any]:
    """Return a block of an answer as it goes into the next request."""
    kept = block.model_dump(mode="json", exclude_none=True)
    kept.pop("parsed_output", None)
    return dict(kept)
