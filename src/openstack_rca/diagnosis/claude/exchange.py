"""One conversation with the model: everything said is redacted, counted, and kept within the limits."""

import json
import re
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from openstack_rca.diagnosis.claude.client import ClaudeClient, Heard, Reply, Request, Usage
from openstack_rca.diagnosis.claude.counting import tokens
from openstack_rca.diagnosis.claude.prompts import prompt, size_of
from openstack_rca.diagnosis.claude.prose import Prose
from openstack_rca.diagnosis.redaction import Redactor
from openstack_rca.settings import Llm

Message = dict[str, Any]
Form = TypeVar("Form", bound=BaseModel)
_FENCE = re.compile(r"^\s*```(?:json)?\s*|\s*```\s*$")


class Unusable(Exception):
    """An answer that cannot be used; its text tells the model what to do better. `final`: asking again is of no use."""

    def __init__(self, complaint: str, *, final: bool = False) -> None:
        super().__init__(complaint)
        self.final = final


class Exchange:
    """Asks within the limits of the settings and adds up what it costs."""

    def __init__(
        self,
        client: ClaudeClient | None,
        llm: Llm,
        redactor: Redactor,
        system: str,
        form: type[BaseModel],
        tools: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.redactor = redactor
        self.usage = Usage()
        self._client = client
        self._llm = llm
        self._system = system
        self._form = form
        self._tools = tuple(tools)

    def said(self, *texts: str) -> Message:
        """Return a message of ours; it is redacted here, whatever it was before."""
        return {"role": "user", "content": [{"type": "text", "text": self.redactor.redact(t)} for t in texts]}

    def continued(self, messages: Sequence[Message], text: str) -> list[Message]:
        """Return the conversation with a text added to its last message, which is ours."""
        *before, last = messages
        return [*before, {**last, "content": [*last["content"], *self.said(text)["content"]]}]

    def corrected(self, messages: Sequence[Message], reply: Reply, problems: Sequence[str]) -> list[Message]:
        """Return the conversation with an answer and what does not hold of it; without the answer if too long."""
        for most in (len(problems), 5, 2):
            text = prompt("correction").replace("{problems}", "\n".join(f"- {p[:200]}" for p in problems[:most]))
            answered = [*messages, {"role": "assistant", "content": list(reply.content)}, self.said(text)]
            if self.left(answered) >= 0:
                return answered
            shorter = self.continued(messages, text)
            if self.left(shorter) >= 0:
                break
        return shorter

    def request(self, messages: Sequence[Message], *, may_call: bool = True) -> Request:
        """Return a request whose conversation is marked to be cached up to its end."""
        *before, last = messages
        *blocks, end = last["content"]
        marked = {**last, "content": [*blocks, {**end, "cache_control": {"type": "ephemeral"}}]}
        return Request(self._system, [*before, marked], self._form, self._tools, may_call)

    def size(self, messages: Sequence[Message]) -> int:
        """Return an upper estimate of the input tokens of a request."""
        fixed = tokens(self._system) + size_of(self._form) + (tokens(json.dumps(self._tools)) if self._tools else 0)
        return fixed + sum(_size(block) for m in messages for block in m["content"])

    def left(self, messages: Sequence[Message]) -> int:
        """Return how many tokens may still be said before the limit of a request."""
        return self._llm.max_input_tokens - self.size(messages)

    def ask(self, messages: Sequence[Message], heard: Heard | None, *, may_call: bool = True) -> Reply:
        """Return the reply; `heard` gets its sentences as they come, with hidden values put back.

        Raises UnavailableError when there is none.
        """
        if self._client is None:
            raise AssertionError("an exchange without a client only shows what it would send")
        listen = partial(_Listener, heard, self.redactor) if heard else None
        reply = self._client.ask(self.request(messages, may_call=may_call), listen)
        self.usage += reply.usage
        return reply

    def read(self, reply: Reply, form: type[Form]) -> Form:
        """Return an answer in its form, hidden values put back. Raises Unusable with what is wrong with it."""
        if reply.stop == "refusal":
            raise Unusable("The language model refused to answer", final=True)
        if reply.stop in ("max_tokens", "model_context_window_exceeded"):
            raise Unusable("Your answer was too long and was cut off. Answer again in a third of the length.")
        return self.parsed(reply.text, form)

    def parsed(self, text: str, form: type[Form]) -> Form:
        """Return the text of an answer in its form. Raises Unusable when it has another one."""
        try:
            return form.model_validate(self._restored(json.loads(_FENCE.sub("", text))))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise Unusable(f"Your answer has not the required form: {place}: {first['msg']}.") from error
        except (ValueError, RecursionError) as error:
            raise Unusable("Your answer is not JSON. Answer with the JSON object alone.") from error

    def _restored(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.redactor.restore(value)
        if isinstance(value, list):
            return [self._restored(v) for v in value]
        if isinstance(value, dict):
            return {k: self._restored(v) for k, v in value.items()}
        return value


class _Listener:
    """Tells the sentences of one attempt at an answer, hidden values put back."""

    def __init__(self, heard: Heard, redactor: Redactor) -> None:
        self._heard = heard
        self._redactor = redactor
        self._prose = Prose()

    def __call__(self, piece: str) -> None:
        if said := self._redactor.restore(self._prose.feed(piece)):
            self._heard(said)


def _size(block: dict[str, Any]) -> int:
    text = block.get("text") or block.get("content")
    return tokens(text if isinstance(text, str) else json.dumps(block)) + 5
