"""Makes hostile text harmless: one line without control characters, cut to fit, or escaped for JSON."""

import json
import re

_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # titles, links, device strings
    r"|\x1b[ -/]*[0-~]"  # other escapes
)
_BREAK = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")
_INVISIBLE = (
    r"\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f"
)
_CONTROL = re.compile(f"[{_INVISIBLE}]")

_LEVEL = r"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL|TRACE|AUDIT) "
_ENVELOPE = r"(?:\w{3} +\d+ [\d:.]+|\d{4}-\d\d-\d\dT\S+) \S+ \S+(?::|\[\d+\]:?) "
_HEAD = re.compile(
    rf"^(?:{_ENVELOPE}(?={_LEVEL})|(?:{_ENVELOPE})?"  # what syslog and the journal put before a line
    r"(?:\w{3} +\d+ [\d:]+ |[\d:.,TZ+\- ]{8,40})"  # the time, in the forms that a log line starts with
    rf"(?:\S+ )??(?:\d+ )?){_LEVEL}"
)
_CONTEXT = re.compile(r"\[(?:[^\[\]]*? )?(req-[0-9a-f]{8})[^\[\]]*\]")


def plain(text: str) -> str:
    """Return text as one line: escape sequences and invisible characters removed, line breaks shown as ⏎."""
    if text.isprintable():  # nearly every line of a log is, and 200,000 of them are shown at once
        return text.strip()
    text = _ANSI.sub("", text).replace("\t", " ")
    return _CONTROL.sub("", _BREAK.sub(" ⏎ ", text)).strip()


def safe_json(text: str) -> str:
    """Return a JSON document with the characters that a terminal or a browser might act on as escapes."""
    return _CONTROL.sub(lambda found: json.dumps(found[0])[1:-1], text)


def cut(text: str, limit: int) -> str:
    """Return text of at most `limit` characters; the end of a log line tells as much as its start, so both stay."""
    if len(text) <= limit:
        return text
    tail = max(limit // 3, 1)
    return f"{text[: max(limit - tail - 3, 1)].rstrip()} … {text[-tail:].lstrip()}"


def short_line(text: str, limit: int) -> str:
    """Return a log line without the time, process, level and ids that a report shows beside it, cut to `limit`."""
    line = plain(text)
    return cut(without_ids(_HEAD.sub("", line, count=1)).strip() or line, limit)


def without_ids(line: str) -> str:
    """Return a log line with the start of its request id in place of all ids between its brackets."""
    return _CONTEXT.sub(r"[\1…]", line)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, "1 file" or "2,000 files"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def amount_skipped(lines: int, read: bool) -> str:
    """Return how much of a file was skipped: a number of lines, or without one "part" of what was read else, or "all"."""
    return f"{lines:,}" if lines else "part" if read else "all"
