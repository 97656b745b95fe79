"""The stable part of each request: the prompts of `knowledge/prompts`, and what they and the schema count."""

import json
from functools import cache
from typing import Any

from pydantic import BaseModel

from openstack_rca.diagnosis.claude.counting import tokens
from openstack_rca.diagnosis.claude.schema import Answer, json_schema
from openstack_rca.errors import KnowledgeError
from openstack_rca.knowledge import FOLDER

_CORRECTION = 350
"""Tokens that telling the model what does not hold may take."""


@cache
def prompt(name: str) -> str:
    """Return one prompt. Raises KnowledgeError when the package is incomplete."""
    path = FOLDER / "prompts" / f"{name}.md"
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise KnowledgeError(f"The prompt {path} cannot be read: {error.strerror}.") from error


def size_of(schema: type[BaseModel]) -> int:
    """Return what the schema of an answer counts in tokens."""
    return tokens(json.dumps(json_schema(schema), separators=(",", ":")))


def room_for_context(budget: int, tools: tuple[dict[str, Any], ...] = ()) -> int:
    """Return how many of a budget of tokens are left for the case beside prompt, schema, tools and a correction."""
    fixed = tokens(prompt("analyst")) + size_of(Answer) + min(_CORRECTION, budget // 20)
    if tools:
        fixed += tokens(prompt("investigation")) + tokens(json.dumps(tools))
    return budget - fixed
