"""Lines that are JSON objects: the fields that a format names, as columns."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from openstack_rca.parsing.formats import load_formats
from openstack_rca.records import UUID

_INSTANCE = re.compile(r"^\[instance: ([^\]]*)\] ")
_UUID = re.compile(UUID)


def columns(texts: Iterable[str], fields: Mapping[str, Sequence[str]]) -> dict[str, pl.Series]:
    """Return one text column for every field of the format; a line that is no JSON object stays as its message.

    A message of several lines is split: the first stays, the others become the detail.
    """
    paths = {name: [path.split(".") for path in places] for name, places in fields.items()}
    rows = [_row(text, paths) for text in texts]
    names = sorted({"message", "detail", "instance"} | set(fields))
    return {name: pl.Series(name, [row.get(name) or "" for row in rows], pl.String) for name in names}


def message_of(line: str) -> str:
    """Return the message, and the traceback, of a line that ends in a JSON object of a known format; any other line as it is."""
    text = line[line.find("{") :].strip() if "{" in line else ""
    fields = next((f.fields for f in load_formats() if f.fields and re.fullmatch(f.regex, text)), {})
    content = _object(text) if fields else None
    if content is None:
        return line
    said = (_first(content, [path.split(".") for path in fields.get(name, ())]) for name in ("message", "detail"))
    return "\n".join(part.rstrip() for part in said if part) or line


def _row(text: str, paths: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, str]:
    content = _object(text)
    if content is None:
        return {"message": text}
    row = {name: _first(content, places) for name, places in paths.items()}
    message, _, rest = row.get("message", "").rstrip("\n").partition("\n")
    marked = _INSTANCE.match(message)
    row["message"] = message[marked.end() :] if marked else message
    instance = _UUID.search(marked[1] if marked else row.get("instance", ""))
    row["instance"] = instance[0] if instance else ""
    row["detail"] = "\n".join(part for part in (rest, row.get("detail", "")) if part).rstrip()
    return row


def _object(text: str) -> dict[str, Any] | None:
    """Return a JSON object, of an answer of OpenSearch what it found; None for any other text."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    return content["_source"] if isinstance(content.get("_source"), dict) else content


def _first(content: Any, places: Sequence[Sequence[str]]) -> str:
    for keys in places:
        value = content
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value not in (None, "", [], {}):
            return _text(value)
    return ""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if value and all(isinstance(byte, int) for byte in value):  # how journalctl writes what is not UTF-8
            return bytes(byte & 255 for byte in value).decode(errors="replace")
        return "\n".join(str(line).rstrip("\n") for line in value)
    return str(value)
