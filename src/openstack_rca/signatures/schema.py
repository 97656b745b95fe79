"""What one signature file may say; docs/decisions/0006-signatures.md explains each key."""

import re
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from openstack_rca.records import FaultType
from openstack_rca.signatures.literals import Pattern, read_pattern

Role = Literal["cause", "symptom", "recovery", "context"]
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
NAMING_GROUPS = frozenset({"peer", "port", "url", "host", "binary", "topic", "rpc", "agent", "service"})
"""Captured groups from which a component or its place can be told; `blames: peer` needs one of them."""

_OPENSTACK = re.compile(
    r"(nova|neutron|cinder|glance|keystone|placement|heat|octavia|swift|horizon|manila|barbican|designate|ironic|magnum"
    r"|trove|aodh|ceilometer|gnocchi|mistral|masakari|cyborg|watcher|zun|cloudkitty|blazar|apache|httpd|uwsgi)(-|_|$)"
)


class Examples(BaseModel):
    """Messages that the pattern must and must not find."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: tuple[str, ...] = Field(min_length=1)
    no_match: tuple[str, ...] = Field(min_length=1)


class Signature(BaseModel):
    """One known failure text: who writes it, what it means, whom it blames, and what to do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    area: str
    title: str = Field(min_length=5)
    role: Role
    emitters: tuple[str, ...] = Field(min_length=1)
    levels: tuple[Level, ...] = ("INFO", "WARNING", "ERROR", "CRITICAL")
    pattern: str = Field(min_length=4)
    where: Literal["message", "any"] = Field("message", alias="in")
    unless: str = ""  # what the line of a match must not hold
    literals: tuple[str, ...] = ()
    blames: str
    shared: str | None = None  # whom it blames instead when several programs write it
    type: FaultType | None = None
    weight: float = Field(ge=0.0, le=1.0)
    explains: str = Field(min_length=10)
    look_next: tuple[str, ...] = ()
    remediation: str = ""
    bugs: tuple[int, ...] = ()
    references: tuple[str, ...] = ()
    recovered_by: tuple[str, ...] = ()
    examples: Examples

    @model_validator(mode="after")
    def _agree(self) -> Self:
        try:
            groups = {name.rstrip("0123456789") for name in self._read.groups}
        except re.error as error:
            raise ValueError(f"pattern is no regular expression: {error}") from error
        try:
            re.compile(self.unless)
        except re.error as error:
            raise ValueError(f"unless is no regular expression: {error}") from error
        if self.blames == "peer" and not groups & NAMING_GROUPS:
            raise ValueError(f"blames peer, but the pattern captures none of {', '.join(sorted(NAMING_GROUPS))}")
        if self.role in ("cause", "symptom") and not (self.type and self.look_next):
            raise ValueError(f"a {self.role} needs type and look_next")
        if self.role == "cause" and not self.remediation:
            raise ValueError("a cause needs a remediation")
        if not self.needles:
            raise ValueError("no literal of 4 characters is certain to occur in a match: name some under literals")
        return self

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.pattern)

    def find(self, text: str) -> re.Match[str] | None:
        """Return the first match in a text whose line does not hold what it must not; None for none."""
        if not self.unless:
            return self.regex.search(text)
        return next((m for m in self.regex.finditer(text) if not self._ruled_out.search(_line_of(m))), None)

    @cached_property
    def _ruled_out(self) -> re.Pattern[str]:
        return re.compile(self.unless)

    @cached_property
    def _read(self) -> Pattern:
        return read_pattern(self.pattern)

    @cached_property
    def needles(self) -> tuple[str, ...]:
        """Literal texts in lower case of which at least one stands in everything that the pattern finds."""
        return tuple(text.lower() for text in self.literals) or self._read.literals

    def written_by(self, service: str | None) -> bool:
        """Return whether a program can write this text; an unknown program (None) can write any."""
        return service is None or any(_emits(emitter, service) for emitter in self.emitters)


def _line_of(match: re.Match[str]) -> str:
    """Return the line in which a match begins, up to its end."""
    text = match.string
    end = text.find("\n", match.end())
    return text[text.rfind("\n", 0, match.start()) + 1 : end if end >= 0 else len(text)]


@lru_cache(maxsize=4096)
def _emits(emitter: str, service: str) -> bool:
    if emitter == "any":
        return True
    if emitter == "*":
        return bool(_OPENSTACK.match(service))
    return fnmatchcase(service, emitter) or emitter == f"{service}-*"  # a service's name stands for its programs
