"""The functions of the workbench as tools: their names, meaning and arguments, and the bounds on calling them."""

import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from openstack_rca.diagnosis.claude.counting import tokens
from openstack_rca.diagnosis.claude.schema import json_schema
from openstack_rca.diagnosis.claude.workbench import Workbench


class _Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SearchLines(_Arguments):
    """Lines that hold all words of `text`; `level` and above."""

    text: str
    service: str = ""
    host: str = ""
    level: str = ""
    limit: int = Field(12, ge=1, le=25)


class FollowRequest(_Arguments):
    """What every program wrote about a request id or the uuid of a resource."""

    id: str


class CompareWithBaseline(_Arguments):
    """Kinds of lines that are new, gone, more or less than in health."""

    service: str = ""


class CountByTime(_Arguments):
    """How many lines match in each span of minutes."""

    text: str = ""
    service: str = ""
    level: str = ""
    minutes: float = Field(1.0, gt=0)


class ReadAround(_Arguments):
    """Lines of the same file around a line with an id."""

    evidence: str
    lines: int = Field(10, ge=2, le=25)


class SearchIncidents(_Arguments):
    """Past incidents with causes and solutions."""

    text: str


class SearchSignatures(_Arguments):
    """Known failure texts and what they mean."""

    text: str


TOOLS: dict[str, type[BaseModel]] = {
    "search_lines": SearchLines,
    "follow_request": FollowRequest,
    "compare_with_baseline": CompareWithBaseline,
    "count_by_time": CountByTime,
    "read_around": ReadAround,
    "search_incidents": SearchIncidents,
    "search_signatures": SearchSignatures,
}
"""Every tool by name, with the form of its arguments."""


def described() -> tuple[dict[str, Any], ...]:
    """Return the tools as the service takes them; their order never changes, so that they can be cached."""
    return tuple(
        {"name": name, "description": (form.__doc__ or "").strip(), "input_schema": json_schema(form)}
        for name, form in TOOLS.items()
    )


class Toolbox:
    """Calls tools by name; an equal call is answered from memory. `restore` is applied to every argument."""

    def __init__(self, workbench: Workbench, restore: Callable[[str], str] = lambda text: text) -> None:
        self._workbench = workbench
        self._restore = restore
        self._answers: dict[str, str] = {}
        self.made: list[tuple[str, dict[str, Any]]] = []

    def call(self, name: str, arguments: dict[str, Any], room: int) -> str:
        """Return what a tool says in at most `room` tokens; a wrong call is answered with what is wrong."""
        key = json.dumps([name, arguments], sort_keys=True)
        if key in self._answers:
            return "You asked this before; the answer is above."
        form = TOOLS.get(name)
        if form is None:
            return f"There is no tool {name[:40]!r}; the tools are {', '.join(TOOLS)}."
        try:
            given = form.model_validate(self._restored(arguments)).model_dump()
        except ValidationError as error:
            first = error.errors()[0]
            return f"The argument {'.'.join(map(str, first['loc']))} is wrong: {first['msg']}."
        self._answers[key] = answer = _within(getattr(self._workbench, name)(**given), room)
        self.made.append((name, arguments))
        return answer

    def _restored(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {k: self._restore(v) if isinstance(v, str) else v for k, v in arguments.items()}


def _within(text: str, room: int) -> str:
    """Return as many whole lines of a text as fit, and how many were left out."""
    lines = text.splitlines()
    kept = len(lines)
    while kept > 1 and tokens("\n".join(lines[:kept])) > room - 15:
        kept -= 1
    return "\n".join(lines[:kept]) + (f"\n({len(lines) - kept} lines left out.)" if kept < len(lines) else "")
