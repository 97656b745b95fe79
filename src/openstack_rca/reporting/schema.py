"""Report to the dictionary of report.json, and back."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter, ValidationError

from openstack_rca.errors import InputError
from openstack_rca.records import Report
from openstack_rca.reporting.plain import safe_json

REPORT_VERSION = "1"

_TIMES = {"created_at", "time", "first", "last"}
_DIAGNOSIS = (
    "analyst",
    "inconclusive",
    "causes",
    "refuted",
    "evidence",
    "timeline",
    "recommendations",
    "next_checks",
    "open_questions",
)
_ORDER = (
    *("report_version", "created_at", "issue", "category", "severity", "mode", "analyst", "inconclusive", "causes"),
    *("refuted", "evidence", "timeline", "patterns", "service_distribution", "affected_services", "similar_incidents"),
    *("recommendations", "next_checks", "open_questions", "part", "notes", "inputs", "seconds_by_stage", "llm"),
)
_CAUSE = ("rank", "service", "component", "host", "type", "code", "statement", "confidence", "evidence", "remediation")


def report_to_dict(report: Report) -> dict[str, Any]:
    """Return the report as report.json holds it: times as ISO text with Z, enumerations as text, null where unknown."""
    content = _adapter().dump_python(report)
    content |= content.pop("diagnosis") | {"report_version": REPORT_VERSION}
    content["causes"] = [_with_class(cause) for cause in content["causes"]]
    shaped: dict[str, Any] = _with_times({key: content[key] for key in _ORDER}, _iso)
    return shaped


def report_from_dict(content: Mapping[str, Any]) -> Report:
    """Return the report that `report_to_dict` made the dictionary from.

    Raises InputError when it is not a report of this version, or cites evidence that it does not hold.
    """
    if not isinstance(content, Mapping) or content.get("report_version") != REPORT_VERSION:
        raise InputError(f"This is not a report of version {REPORT_VERSION}.")
    try:
        parts: dict[str, Any] = _with_times(content, _naive)
        parts["causes"] = [_with_class_name(cause) for cause in parts["causes"]]
        parts["diagnosis"] = {key: parts.pop(key) for key in _DIAGNOSIS}
        return _adapter().validate_python(parts)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"The report cannot be read: {place or 'it'}: {first['msg']}.") from error
    except KeyError as error:
        raise InputError(f"The report cannot be read: {error.args[0]} is missing.") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"The report cannot be read: {error}.") from error


def report_to_json(report: Report) -> str:
    """Return the report as a JSON document; control characters of log lines are escaped, nothing is lost."""
    return safe_json(json.dumps(report_to_dict(report), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema that every report.json satisfies."""
    text = resources.files("openstack_rca.reporting").joinpath("report.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def _adapter() -> TypeAdapter[Report]:
    return TypeAdapter(Report)


def _with_times(value: Any, convert: Any) -> Any:
    """Return a copy of nested lists and dictionaries with every time in them converted."""
    if isinstance(value, Mapping):
        return {k: convert(v) if k in _TIMES and v is not None else _with_times(v, convert) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_with_times(item, convert) for item in value]
    return value


def _iso(time: datetime) -> str:
    """Return a time, UTC when it is naive, as text of one length, so that texts sort as times do."""
    return (time.astimezone(UTC) if time.tzinfo else time).replace(tzinfo=None).isoformat("T", "microseconds") + "Z"


def _naive(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return (time.astimezone(UTC) if time.tzinfo else time).replace(tzinfo=None)


def _with_class(cause: dict[str, Any]) -> dict[str, Any]:
    code = cause["code"]
    shown = code and {"file": code["file"], "class": code["class_name"], "function": code["function"]}
    return {key: (cause | {"code": shown})[key] for key in _CAUSE}


def _with_class_name(cause: dict[str, Any]) -> dict[str, Any]:
    code = cause["code"]
    return cause if code is None else cause | {"code": {**code, "class_name": code["class"]}}
