"""What in a message is a variable: the steps of knowledge/masks.yaml, applied to whole columns."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import polars as pl

from openstack_rca import knowledge
from openstack_rca.errors import KnowledgeError

MAX_CHARACTERS = 1000
"""Only so many characters of a message's first line are read; what was cut ends in CUT."""
CUT = "…"


@dataclass(frozen=True)
class Step:
    """One replacement: `find` becomes `put`, `times` times over, so that nested things go from the inside out."""

    name: str
    find: str
    put: str
    times: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Masks:
    """The steps to the masked text, those from there to the log statement, and the words that are never merged.

    `digest` differs when any of this does.
    """

    steps: tuple[Step, ...]
    statement: tuple[Step, ...]
    state_words: frozenset[str]
    protected: re.Pattern[str]
    digest: str

    def keeps(self, word: str) -> bool:
        """Say whether the word may never give way to a wildcard: it is a state, protected, or a number left over."""
        return word.isdecimal() or word.lower() in self.state_words or self.protected.fullmatch(word) is not None

    @property
    def state(self) -> str:
        """A regular expression that matches any state word, the longest first."""
        return _any_of(self.state_words)

    def mask(self, messages: pl.Series) -> pl.Series:
        """Return each message's masked first line, in the same order; null becomes the empty text.

        Cost grows with the number of distinct messages: pass distinct ones when there are many repeats.
        """
        return _apply(self.steps, first_lines(messages)).str.strip_chars()

    def statements(self, templates: pl.Series) -> pl.Series:
        """Return the log statement behind each template text: routes and statuses are variables there."""
        return _apply(self.statement, templates)


def mask(messages: pl.Series) -> pl.Series:
    """Return each message's first line with its variable parts masked; null becomes the empty text.

    The same text as a template has before templates are merged. The series keeps its name, order and length.
    Raises KnowledgeError when masks.yaml contradicts its own examples.
    """
    distinct = messages.cast(pl.String).unique(maintain_order=True)
    found = pl.DataFrame({"message": distinct, "masked": masks().mask(distinct)})
    joined = pl.DataFrame({"message": messages.cast(pl.String)}).join(
        found, on="message", how="left", nulls_equal=True, maintain_order="left"
    )
    return joined["masked"].rename(messages.name)


@cache
def masks() -> Masks:
    """Return the masks of this package, checked against their examples."""
    return read_masks(knowledge.read("masks.yaml"))


def read_masks(data: Any) -> Masks:
    """Return the masks that the content of a masks.yaml describes.

    Raises KnowledgeError naming the step that is incomplete, is no regular expression, or fails one of its examples.
    """
    try:
        words = frozenset(word for group in data["state_words"].values() for word in group)
        steps, statement = (_read_steps(data[part], _any_of(words)) for part in ("steps", "statement"))
        protected = re.compile("|".join(data["protected"]))
    except (KeyError, TypeError, AttributeError, re.error) as error:
        raise KnowledgeError(f"masks.yaml is incomplete or not well formed: {error!r}.") from error
    rules = [(step.find, step.put, step.times) for step in steps], sorted(words), protected.pattern
    made = Masks(steps, statement, words, protected, sha256(repr(rules).encode()).hexdigest()[:12])
    _check(steps, made.mask)
    _check(statement, made.statements)
    return made


def _any_of(words: frozenset[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


def _read_steps(entries: Sequence[dict[str, Any]], state: str) -> tuple[Step, ...]:
    return tuple(
        Step(e["name"], e["find"].replace("{state}", state), e["put"], e.get("times", 1), tuple(e["examples"].items()))
        for e in entries
    )


def _check(steps: Sequence[Step], apply: Callable[[pl.Series], pl.Series]) -> None:
    pairs = [(step.name, *pair) for step in steps for pair in step.examples]
    try:
        results = apply(pl.Series([raw for _, raw, _ in pairs], dtype=pl.String))
    except pl.exceptions.PolarsError as error:
        raise KnowledgeError(f"masks.yaml has a pattern that cannot be used: {error}.") from error
    for (name, raw, expected), got in zip(pairs, results, strict=True):
        if got != expected:
            raise KnowledgeError(f"The mask '{name}' turns {raw!r} into {got!r}, but its example says {expected!r}.")


def first_lines(messages: pl.Series) -> pl.Series:
    """Return what is read of each message: its first line that is not blank, cut at MAX_CHARACTERS; null is empty."""
    head = messages.cast(pl.String).fill_null("").str.strip_chars_start().str.slice(0, MAX_CHARACTERS + 1)
    line = head.str.replace(r"\n[\s\S]*", "")
    return line.str.replace(rf"^([\s\S]{{{MAX_CHARACTERS}}})[\s\S]$", f"${{1}}{CUT}")


def _apply(steps: Sequence[Step], texts: pl.Series) -> pl.Series:
    for step in steps:
        for _ in range(step.times):
            texts = texts.str.replace_all(step.find, step.put)
    return texts
