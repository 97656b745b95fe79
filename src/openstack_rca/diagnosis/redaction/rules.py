"""The rules of `knowledge/redaction.yaml`: what is a secret, and what only looks like one."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from openstack_rca.errors import KnowledgeError
from openstack_rca.knowledge import read

FILE = "redaction.yaml"


@dataclass(frozen=True)
class Rule:
    """One shape of secret: tried on text that holds a hint; the group `secret` of the pattern is what goes."""

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Rules:
    """All rules in their order, and what is not a secret although a rule matches it."""

    rules: tuple[Rule, ...]
    ignored: re.Pattern[str]
    not_email: re.Pattern[str]
    project_and_user_ids: re.Pattern[str]

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and kind of every secret in a text, rule after rule; they may overlap."""
        lowered = text.lower()
        for rule in self.rules:
            if any(hint in lowered for hint in rule.hints):
                for match in rule.pattern.finditer(text):
                    if self._is_secret(rule.kind, match["secret"]):
                        yield (*match.span("secret"), rule.kind)

    def _is_secret(self, kind: str, value: str) -> bool:
        if kind == "email" and self.not_email.search(value):
            return False
        return not self.ignored.fullmatch(value)


@cache
def load_rules() -> Rules:
    """Return the rules. Raises KnowledgeError for a rule that cannot be compiled or that fails its own examples."""
    data = read(FILE)
    rules = Rules(
        tuple(_rule(r) for r in data["rules"]),
        re.compile("|".join(f"(?:{_without_flag(p)})" for p in data["ignored"]), re.IGNORECASE),
        re.compile(data["not_email"]),
        re.compile(data["project_and_user_ids"]),
    )
    for raw in data["rules"]:
        _check(rules, raw)
    return rules


def masked(text: str) -> str:
    """Return a text with *** in place of each secret, for what is shown to people; an address of a person is none there."""
    hidden = bytearray(len(text))
    for start, end, kind in load_rules().find(text):
        if kind != "email":
            hidden[start:end] = b"x" * (end - start)
    parts = re.finditer(rb"x+|\0+", hidden)
    return "".join("***" if part[0][:1] == b"x" else text[slice(*part.span())] for part in parts)


def _without_flag(pattern: str) -> str:
    return pattern.removeprefix("(?i)")


def _rule(raw: Mapping[str, Any]) -> Rule:
    try:
        pattern = re.compile(raw["pattern"])
    except re.error as error:
        raise KnowledgeError(f"{FILE}: the pattern of a rule for {raw['kind']} is wrong: {error}.") from error
    if "secret" not in pattern.groupindex:
        raise KnowledgeError(f"{FILE}: the pattern of a rule for {raw['kind']} has no group named secret.")
    return Rule(raw["kind"], tuple(raw["hints"]), pattern)


def _check(rules: Rules, raw: Mapping[str, Any]) -> None:
    """Refuse a rule that leaves its secrets in its examples, or takes something away from the lines to keep."""
    only = Rules((_rule(raw),), rules.ignored, rules.not_email, rules.project_and_user_ids)
    for example in raw["hides"]:
        left = list(example["text"])
        for start, end, _ in only.find(example["text"]):
            left[start:end] = "\0" * (end - start)
        if example["secret"] in "".join(left):
            raise KnowledgeError(f"{FILE}: a rule for {raw['kind']} leaves the secret in {example['text']!r}.")
    for line in raw.get("keeps", ()):
        if taken := [line[start:end] for start, end, _ in rules.find(line)]:
            raise KnowledgeError(f"{FILE}: a line to keep loses {taken}: {line!r}.")
