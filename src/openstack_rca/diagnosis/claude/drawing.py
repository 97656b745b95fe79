"""Lines and tracebacks as the model sees them: each on one line, cut in the middle when too long."""

import re
from datetime import datetime

from openstack_rca.records import Evidence, SimilarIncident

LONGEST = 700
"""Characters of a line that are shown; the rest is cut out of its middle and counted."""
_FRAME = re.compile(r'File \\?"([^"\\]+)\\?", line (\d+), in ([\w<>.]+)')
_PACKAGE = re.compile(r"^.*(?:site-packages|dist-packages)/|^/(?:opt/stack|usr/lib/python[\d.]*)/(?:[\w.-]+/(?=\w+/))?")
_PLUMBING = re.compile(
    r"(?:^|/)(?:eventlet|greenlet|futurist|webob|routes|paste|werkzeug|flask|oslo_middleware|osprofiler|decorator|"
    r"keystonemiddleware|urllib3|requests|http|socket|ssl|threading|oslo_utils/excutils|six|tenacity|stevedore|"
    r"concurrent|microversion_parse)(?:/|\.py|$)"
)
_MOST_FRAMES = 14
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def cut(text: str, longest: int = LONGEST) -> str:
    """Return the text on one line without control characters, its middle left out when it is longer than `longest`."""
    text = _CONTROL.sub("�", text.replace("\r", "").replace("\n", "\\n"))
    if len(text) <= longest:
        return text
    head = longest * 2 // 3
    tail = longest - head
    return f"{text[:head]} …[{len(text) - longest} characters left out]… {text[-tail:]}"


def drawn(evidence: Evidence, detail: str, longest: int = LONGEST) -> str:
    """Return one line of evidence with its id, program and host, and in short what follows it, such as a traceback."""
    where = f"{evidence.service}@{evidence.host}" if evidence.host else evidence.service
    text = f"{evidence.id} {cut(where, 120)}: {cut(evidence.text, longest)}"
    hidden = detail or (evidence.text if len(evidence.text) > longest and _FRAME.search(evidence.text) else "")
    joined = shortened(hidden)
    return f"{text}\n  below {evidence.id}: {joined}" if joined else text


def remembered(past: SimilarIncident, longest: int) -> str:
    """Return a past incident on one line: its cause, and what solved it or, where nobody confirmed that, was recommended."""
    solved = "solved by" if past.confirmed else "not confirmed, recommended then"
    return f"{past.id} (similarity {past.similarity:.2f}): {cut(past.cause, longest)} — {solved}: {cut(past.solution, longest)}"


def shortened(detail: str) -> str:
    """Return a traceback as its frames outermost first and its exception; other joined text cut; empty for none.

    Frames of plumbing (web servers, threads, retries) go; of many the first and the last stay.
    """
    frames = [(_PACKAGE.sub("", file), line, function) for file, line, function in _FRAME.findall(detail)]
    if not frames:
        return cut(detail.strip(), 300)
    own = [f for f in frames if not _PLUMBING.search(f[0])] or frames
    own = list(dict.fromkeys(own))
    if len(own) > _MOST_FRAMES:
        own = [*own[:3], ("…", "", ""), *own[3 - _MOST_FRAMES :]]
    path = " > ".join(f"{file}:{line} {function}" if line else file for file, line, function in own)
    lines = [text for text in detail.splitlines() if text.strip()]
    return f"{path} > {cut(lines[-1].strip(), 300)}" if len(lines) > 1 else path


def clock(time: datetime | None) -> str:
    """Return a time to the millisecond in UTC; a dash for none."""
    return time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] if time else "-"
