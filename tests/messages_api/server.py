"""A server of the Messages API on loopback: it checks requests against the SDK's types and streams scripted replies."""

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from types import TracebackType
from typing import Any

from anthropic import types
from anthropic.types import message_create_params
from pydantic import TypeAdapter, ValidationError

MODEL = "claude-test"
KEY = "sk-ant-test-0123456789abcdefghijklmnop"


@dataclass(frozen=True)
class Says:
    """A message: text in pieces, calls of tools, and why it ends; `pause` is slept before it and between pieces."""

    text: str = ""
    stop: str = "end_turn"
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    pause: float = 0.0
    stalls: float = 0.0  # slept after the third event
    breaks_after: int | None = None  # events after which the connection is dropped
    error_after: str | None = None  # an error event in place of the end
    input_tokens: int = 1000
    cache_read: int = 0


@dataclass(frozen=True)
class Fails:
    """An error instead of a message."""

    status: int
    kind: str
    message: str = "no"


@dataclass(frozen=True)
class Sends:
    """Something that is not the Messages API."""

    body: bytes
    type: str = "text/html"


Reply = Says | Fails | Sends


@dataclass
class MessagesApi:
    """Answers requests with the replies in their order; keeps every request, and what was wrong with any."""

    replies: Sequence[Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __enter__(self) -> "MessagesApi":
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                _answer(api, self, body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a client that hangs up is part of the tests

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def sent(self) -> str:
        """All that ever reached the server, as one text."""
        return json.dumps(self.requests, ensure_ascii=False)


def _answer(api: MessagesApi, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    number = len(api.requests)
    api.requests.append(body)
    api.headers.append({k.lower(): v for k, v in handler.headers.items()})
    problems = list(check(handler.path, api.headers[-1], body))
    api.problems += problems
    if number >= len(api.replies):
        api.problems.append("a request that no reply is scripted for")
        _fail(handler, Fails(400, "invalid_request_error", "unscripted"))
    elif problems:
        _fail(handler, Fails(400, "invalid_request_error", "; ".join(problems)))
    else:
        _give(handler, api.replies[number])


def _give(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    match reply:
        case Fails():
            _fail(handler, reply)
        case Sends():
            _head(handler, 200, reply.type)
            handler.wfile.write(reply.body)
        case Says():
            time.sleep(reply.pause)
            _head(handler, 200, "text/event-stream")
            for number, (name, event) in enumerate(events(reply)):
                if reply.breaks_after is not None and number >= reply.breaks_after:
                    break
                handler.wfile.write(f"event: {name}\ndata: {json.dumps(event)}\n\n".encode())
                handler.wfile.flush()
                time.sleep(reply.stalls if number == 2 else reply.pause)


def _head(handler: BaseHTTPRequestHandler, status: int, type_: str) -> None:
    handler.send_response(status)
    handler.send_header("content-type", type_)
    handler.send_header("request-id", "req_test")
    handler.send_header("retry-after-ms", "1")
    handler.send_header("connection", "close")
    handler.end_headers()


def _fail(handler: BaseHTTPRequestHandler, failure: Fails) -> None:
    _head(handler, failure.status, "application/json")
    body = {"type": "error", "error": {"type": failure.kind, "message": failure.message}, "request_id": "req_test"}
    handler.wfile.write(json.dumps(body).encode())


def events(reply: Says) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the events of a stream as the service sends them, each built with the SDK's own type."""
    usage = types.Usage(
        input_tokens=reply.input_tokens, output_tokens=1, cache_read_input_tokens=reply.cache_read,
        cache_creation_input_tokens=0,
    )  # fmt: skip
    empty = types.Message(
        id="msg_test", type="message", role="assistant", model=MODEL, content=[], stop_reason=None, stop_sequence=None,
        usage=usage,
    )  # fmt: skip
    yield "message_start", _plain(types.RawMessageStartEvent(type="message_start", message=empty))
    index = 0
    if reply.text:
        yield from _text_block(index, reply.text)
        index += 1
    for name, arguments in reply.calls:
        yield from _call_block(index, name, arguments)
        index += 1
    if reply.error_after:
        yield "error", {"type": "error", "error": {"type": reply.error_after, "message": "midway"}}
        return
    stop = "tool_use" if reply.calls and reply.stop == "end_turn" else reply.stop
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": stop, "stop_sequence": None},
        "usage": {"output_tokens": 50},
    }
    TypeAdapter(types.RawMessageDeltaEvent).validate_python(end)
    yield "message_delta", end
    yield "message_stop", {"type": "message_stop"}


def _text_block(index: int, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    start = types.RawContentBlockStartEvent(
        type="content_block_start", index=index, content_block=types.TextBlock(type="text", text="", citations=None)
    )
    yield "content_block_start", _plain(start)
    size = max(1, len(text) // 12)
    for at in range(0, len(text), size):
        delta = types.TextDelta(type="text_delta", text=text[at : at + size])
        yield "content_block_delta", _plain(_delta(index, delta))
    yield "content_block_stop", {"type": "content_block_stop", "index": index}


def _call_block(index: int, name: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    block = types.ToolUseBlock(type="tool_use", id=f"toolu_{index}_{name}", name=name, input={})
    start = types.RawContentBlockStartEvent(type="content_block_start", index=index, content_block=block)
    yield "content_block_start", _plain(start)
    text = json.dumps(arguments)
    for piece in (text[: len(text) // 2], text[len(text) // 2 :]):
        delta = types.InputJSONDelta(type="input_json_delta", partial_json=piece)
        yield "content_block_delta", _plain(_delta(index, delta))
    yield "content_block_stop", {"type": "content_block_stop", "index": index}


def _delta(index: int, delta: Any) -> types.RawContentBlockDeltaEvent:
    return types.RawContentBlockDeltaEvent(type="content_block_delta", index=index, delta=delta)


def _plain(event: Any) -> dict[str, Any]:
    return dict(event.model_dump(mode="json"))


_FIELDS = set(message_create_params.MessageCreateParamsStreaming.__annotations__) | set(
    message_create_params.MessageCreateParamsBase.__annotations__
)


def check(path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a request, by the SDK's own types and by the rules of the service."""
    if path.split("?")[0] != "/v1/messages":
        yield f"no such path {path}"
    if headers.get("authorization") != f"Bearer {KEY}":
        yield "wrong key"
    if "anthropic-version" not in headers:
        yield "no anthropic-version"
    if unknown := set(body) - _FIELDS:
        yield f"unknown fields {sorted(unknown)}"
    parts: Iterable[tuple[Any, Any]] = [
        (message_create_params.MessageCreateParamsStreaming, body),
        *((types.TextBlockParam, b) for b in body.get("system", ())),
        *((types.ToolParam, t) for t in body.get("tools", ())),
        *((types.MessageParam, m) for m in body["messages"]),
        *(
            (types.ContentBlockParam, b)
            for m in body["messages"]
            if isinstance(m["content"], list)
            for b in m["content"]
        ),
    ]
    for kind, value in parts:
        try:
            TypeAdapter(kind).validate_python(value)
        except ValidationError as error:
            yield f"{kind}: {error.errors()[0]['loc']} {error.errors()[0]['msg']}"
    yield from _rules(body)


def _rules(body: dict[str, Any]) -> Iterator[str]:
    roles = [m["role"] for m in body["messages"]]
    if roles[0] != "user" or any(a == b for a, b in pairwise(roles)):
        yield f"roles do not alternate: {roles}"
    if json.dumps(body).count('"cache_control"') > 4:
        yield "more than four cache breakpoints"
    for before, after in pairwise(body["messages"]):
        called = {b["id"] for b in before["content"] if b["type"] == "tool_use"}
        answered = {b["tool_use_id"] for b in after["content"] if b["type"] == "tool_result"}
        if called != answered:
            yield f"calls {called} are answered by {answered}"
    yield from _closed(body.get("output_config", {}).get("format", {}).get("schema", {}))


def _closed(schema: Any) -> Iterator[str]:
    """Yield what the service does not take in a schema: open objects, bounds of numbers and lengths."""
    if isinstance(schema, list):
        for part in schema:
            yield from _closed(part)
    elif isinstance(schema, dict):
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            yield "an object of the schema is open"
        if bad := {"minimum", "maximum", "minLength", "maxLength", "default"} & {
            k for k, v in schema.items() if not isinstance(v, dict)
        }:
            yield f"the schema holds {sorted(bad)}"
        for part in schema.values():
            yield from _closed(part)
