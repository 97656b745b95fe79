"""The form of the model's answers; what it may claim, and nothing that the program knows better."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CauseType = Literal[
    "service-down",
    "dependency-unreachable",
    "resource-exhaustion",
    "misconfiguration",
    "auth-failure",
    "quota",
    "timeout",
    "network",
    "storage",
    "data-corruption",
    "bug",
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quote(_Part):
    """Words of a line."""

    evidence: str
    text: str


class Code(_Part):
    """Where in the source the fault sits."""

    file: str
    class_name: str | None
    function: str | None


class CauseClaim(_Part):
    """One cause, most likely first."""

    component: str
    host: str | None
    type: CauseType
    statement: str
    confidence: float = Field(ge=0, le=1)
    evidence: list[str]
    quotes: list[Quote]
    remediation: str
    code: Code | None


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
