"""Lines that are JSON objects: the fields that a format names, as columns."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

_INSTANCE = re.compile(r"^\[instance: ([^\]]*)\] ")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def columns(texts: Iterable[str], fields: Mapping[str, Sequence[str]]) -> dict[str, pl.Series]:
    """Return one text column for every field of the format; a line that is no JSON object stays as its message.

    A message of several lines is split: the first stays, the others become the detail.
    """
    paths = {name: [path.split(".") for path in places] for name, places in fields.items()}
    rows = [_row(text, paths) for text in texts]
    names = sorted({"message", "detail", "instance"} | set(fields))
    return {name: pl.Series(name, [row.get(name) or "" for row in rows], pl.String) for name in names}


def _row(text: str, paths: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, str]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {"message": text}
    if not isinstance(content, dict):
        return {"message": text}
    if isinstance(content.get("_source"), dict):
        content = content["_source"]
    row = {name: _first(content, places) for name, places in paths.items()}
    message, _, rest = row.get("message", "").rstrip("\n").partition("\n")
    marked = _INSTANCE.match(message)
    row["message"] = message[marked.end() :] if marked else message
    instance = _UUID.search(marked[1] if marked else row.get("instance", ""))
    row["instance"] = instance[0] if instance else ""
    row["detail"] = "\n".join(part for part in (rest, row.get("detail", "")) if part).rstrip()
    return row


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
