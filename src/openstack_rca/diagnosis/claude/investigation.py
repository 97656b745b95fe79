"""The model asks, the workbench answers, until it concludes or a bound is reached."""

import time
from typing import Any

from openstack_rca.diagnosis.claude.client import Heard, Reply
from openstack_rca.diagnosis.claude.exchange import Exchange, Message
from openstack_rca.diagnosis.claude.facts import Facts
from openstack_rca.diagnosis.claude.page import wrap
from openstack_rca.diagnosis.claude.toolbox import Toolbox
from openstack_rca.settings import Llm

_MOST_OF_RESULT = 1500
"""Tokens that the answer to one call holds at most."""
_LEAST_ROOM = 700
"""With fewer tokens left the model is told to conclude."""
_MOST_AT_ONCE = 4
"""Calls of one turn that are answered."""


def investigate(
    exchange: Exchange, messages: list[Message], toolbox: Toolbox, facts: Facts, llm: Llm, heard: Heard | None
) -> Reply:
    """Return the concluding reply; `messages` grows by the calls and their answers.

    Bounded by `max_calls` requests (one is kept for a correction), by the tokens of a request, and by time. Raises
    UnavailableError when the model cannot be asked.
    """
    deadline = time.monotonic() + llm.investigation_seconds
    turns = llm.max_calls - 1
    may_call = turns > 1
    for turn in range(turns):
        reply = exchange.ask(messages, heard, may_call=may_call)
        if not reply.calls or not may_call:
            return reply
        messages.append({"role": "assistant", "content": list(reply.content)})
        room = min(
            _MOST_OF_RESULT, (exchange.left(messages) - _LEAST_ROOM // 2) // min(len(reply.calls), _MOST_AT_ONCE)
        )
        blocks: list[dict[str, Any]] = []
        for number, call in enumerate(reply.calls):
            said = (
                toolbox.call(call.name, call.arguments, room)
                if number < _MOST_AT_ONCE and room > 50
                else "No room left."
            )
            facts.see(said)
            text = wrap("result", exchange.redactor.redact(said))
            blocks.append({"type": "tool_result", "tool_use_id": call.id, "content": text})
        messages.append({"role": "user", "content": blocks})
        enough = exchange.left(messages) < _LEAST_ROOM or time.monotonic() > deadline or turn == turns - 2
        if enough:
            may_call = False
            blocks.append({"type": "text", "text": "There are no calls left. Answer now in the required form."})
    return reply
