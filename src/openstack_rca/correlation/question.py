"""Issue text -> Question: the ids, hosts, components, HTTP statuses and words that tell which lines matter."""

import re
from collections.abc import Iterable

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import Question

_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b")
_REQUEST = re.compile(r"\breq-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b")
_STATUS = re.compile(
    r"\b(?:HTTP|status|code|error|a|an)[ :(]*([45]\d\d)\b|\b([45]\d\d)s?\b(?= error| Internal| Forbidden|\))"
)
_WORD = re.compile(r"[a-z][a-z0-9_.-]*[a-z0-9]")


def understand(text: str, graph: ServiceGraph, hosts: Iterable[str]) -> Question:
    """Return what an issue text asks about; `hosts` are the host names that the logs know."""
    lower = text.lower()
    requests = tuple(dict.fromkeys(_REQUEST.findall(lower)))
    bare = _REQUEST.sub(" ", lower)
    uuids = tuple(dict.fromkeys(_UUID.findall(bare)))
    words = tuple(w for w in dict.fromkeys(_WORD.findall(_UUID.sub(" ", bare))) if w not in graph.stopwords)
    named = [c for w in words if (c := w if w in graph.components else None)]
    about = [c for about_words, components in graph.operations if about_words & set(words) for c in components]
    statuses = tuple(dict.fromkeys(int(a or b) for a, b in _STATUS.findall(text)))
    known = sorted(h for h in set(hosts) if re.search(rf"(?<![\w.-]){re.escape(h.lower())}(?![\w-])", lower))
    return Question(text, requests, uuids, tuple(known), tuple(dict.fromkeys([*named, *about])), statuses, words)
