"""The form of the model's answers; what it may claim, and nothing that the program knows better."""

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from openstack_rca.records import FaultType


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quote(_Part):
    """Words of a line."""

    evidence: str
    text: str


class CauseClaim(_Part):
    """One cause, most likely first; `host` is empty when unknown, `code` when no code is to blame ("file function")."""

    component: str
    host: str
    type: FaultType
    statement: str
    confidence: float = Field(ge=0, le=1)
    evidence: list[str]
    quotes: list[Quote]
    remediation: str
    code: str


class RefutedClaim(_Part):
    """One cause that was considered and rejected."""

    component: str
    statement: str
    why: str
    evidence: list[str]


class Event(_Part):
    """What one line shows; time, program and host are known from the line."""

    evidence: str
    event: str


class Answer(_Part):
    """The diagnosis of one case."""

    inconclusive: bool
    causes: list[CauseClaim]
    refuted: list[RefutedClaim]
    timeline: list[Event]
    recommendations: list[str]
    next_checks: list[str]
    open_questions: list[str]


class ChatReply(_Part):
    """The answer to one question about a report."""

    answer: str
    evidence: list[str]


@cache
def json_schema(form: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a form as the service takes it, without titles and descriptions: tokens are paid."""
    bare: dict[str, Any] = _bare(form.model_json_schema())
    return bare


def _bare(part: Any) -> Any:
    """Drop what only explains, and bounds of numbers, which the service does not know; the form itself checks them."""
    if isinstance(part, list):
        return [_bare(p) for p in part]
    if not isinstance(part, dict):
        return part
    dropped = {"title", "description", "default", "minimum", "maximum"} if "type" in part or "anyOf" in part else set()
    return {k: _bare(v) for k, v in part.items() if k not in dropped or isinstance(v, dict)}
