"""`journalctl -o export` brought into the shape of `-o json`, with every line number kept."""

import json

SEPARATOR = b"\n\n"
_SIZE_BYTES = 8


def is_export(head: bytes) -> bool:
    """Whether a file that begins like this is a journal export."""
    return head.startswith(b"__CURSOR=")


def as_json_lines(block: bytes) -> bytes:
    """Return each entry as one JSON object in its first line, and empty lines for its others."""
    lines: list[bytes] = []
    position = 0
    while position < len(block):
        fields, end = _entry(block, position)
        text = json.dumps(fields).encode() if fields else b""
        lines.append(text + b"\n" * block.count(b"\n", position, end))
        position = end
    return b"".join(lines)


def _entry(block: bytes, position: int) -> tuple[dict[str, str], int]:
    """Return the fields of the entry at a position, and where the next one begins."""
    fields: dict[str, str] = {}
    while position < len(block):
        end = block.find(b"\n", position)
        end = end if end >= 0 else len(block)
        line = block[position:end]
        position = end + 1
        if not line:
            break
        name, equals, value = line.partition(b"=")
        if not equals:  # a value with line breaks follows, with its size before it
            start = position + _SIZE_BYTES
            end = start + int.from_bytes(block[position:start], "little")
            value, position = block[start:end], min(end, len(block)) + 1
        fields[name.decode(errors="replace")] = value.decode(errors="replace")
    return fields, min(position, len(block))
