"""Secrets out of what people read and pass on: passwords, tokens and keys that stand in log lines become ***."""

from dataclasses import fields, replace
from typing import Any

from openstack_rca.diagnosis.redaction import masked
from openstack_rca.reporting.blocks import Section


def without_secrets(section: Section) -> Section:
    """Return a section of a page with *** for each secret in its texts."""
    hidden: Section = _hidden(section)
    return hidden


def _hidden(value: Any) -> Any:
    match value:
        case str():
            return masked(value)
        case tuple():
            return tuple(map(_hidden, value))
        case int() | None:
            return value
    return replace(value, **{field.name: _hidden(getattr(value, field.name)) for field in fields(value)})
