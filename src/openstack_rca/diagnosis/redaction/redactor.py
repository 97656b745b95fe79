"""Secrets out, placeholders in; the same value always becomes the same placeholder, and can be put back."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from openstack_rca.diagnosis.redaction.rules import load_rules

_PLACEHOLDER = re.compile(r"<(?:[a-z]+-)+\d+>")
_IP = re.compile(r"(?<![\w.:-])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w.]*\.\d|\w)")
_SHORTEST_TO_CHASE = 8
"""A secret of this length is hidden wherever it stands, also where no rule sees it; a shorter one could be a word."""


class Redactor:
    """Hides secrets in any number of texts and knows what each placeholder stands for.

    `hosts` and `ids` are names known from the logs that are hidden as well; `by_shape` hides what is written as the id
    of a project or user, `ips` hides addresses other than loopback. Nothing is hidden when `active` is false.
    """

    def __init__(
        self,
        *,
        hosts: Iterable[str] = (),
        ids: Iterable[str] = (),
        ips: bool = False,
        by_shape: bool = False,
        active: bool = True,
    ) -> None:
        self._rules = load_rules()
        self._active = active
        self._ips = ips
        self._by_shape = by_shape
        self._names = [(name, "host") for name in hosts if name] + [(i, "id") for i in ids if i]
        self._values: dict[str, str] = {}
        self._placeholders: dict[str, str] = {}
        self._issued: Counter[str] = Counter()

    @property
    def hidden(self) -> int:
        """Return how many different values were hidden so far."""
        return len(self._values)

    def redact(self, text: str) -> str:
        """Return the text with a placeholder for each secret; what is redacted already stays as it is."""
        if not self._active or not text:
            return text
        spans = [*self._lookalikes(text), *self._rules.find(text), *self._addresses(text)]
        if self._by_shape:
            spans += [(*m.span("secret"), "id") for m in self._rules.project_and_user_ids.finditer(text)]
        text = self._replace(text, spans)
        return self._known(text)

    def restore(self, text: str) -> str:
        """Return the text with every placeholder of this redactor replaced by what it stands for."""
        return _PLACEHOLDER.sub(lambda m: self._values.get(m[0], m[0]), text)

    def _lookalikes(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield what looks like a placeholder but is none of ours, so that a log line cannot forge one."""
        return ((*m.span(), "literal") for m in _PLACEHOLDER.finditer(text) if m[0] not in self._values)

    def _addresses(self, text: str) -> Iterator[tuple[int, int, str]]:
        if not self._ips:
            return
        for match in _IP.finditer(text):
            try:
                address = ip_address(match[0])
            except ValueError:
                continue
            if not address.is_loopback and not address.is_unspecified:
                yield (*match.span(), "ip")

    def _replace(self, text: str, spans: Iterable[tuple[int, int, str]]) -> str:
        """Replace the spans; those that overlap become one of the first one's kind, placeholders are never cut."""
        ours = [m.span() for m in _PLACEHOLDER.finditer(text) if m[0] in self._values]
        taken: list[tuple[int, int, str]] = []
        for start, end, kind in sorted(spans, key=lambda s: s[:2]):
            if any(start < e and s < end for s, e in ours):
                continue
            if taken and start < taken[-1][1]:
                taken[-1] = (taken[-1][0], max(end, taken[-1][1]), taken[-1][2])
            else:
                taken.append((start, end, kind))
        parts, done = [], 0
        for start, end, kind in taken:
            parts += [text[done:start], self._placeholder(text[start:end], kind)]
            done = end
        return "".join([*parts, text[done:]])

    def _placeholder(self, value: str, kind: str) -> str:
        if value not in self._placeholders:
            self._issued[kind] += 1
            self._placeholders[value] = name = f"<{kind}-{self._issued[kind]}>"
            self._values[name] = value
        return self._placeholders[value]

    def _known(self, text: str) -> str:
        """Hide known names, and every secret found before that is long and odd enough not to be a word."""
        chased = [(v, p.strip("<>").rsplit("-", 1)[0]) for v, p in self._placeholders.items() if _is_odd(v)]
        for value, kind in sorted([*self._names, *chased], key=lambda n: -len(n[0])):
            if value in text:
                pattern = re.compile(rf"(?<![\w-]){re.escape(value)}(?![\w-])")
                text = self._replace(text, [(*m.span(), kind) for m in pattern.finditer(text)])
        return text


def _is_odd(value: str) -> bool:
    return (
        len(value) >= _SHORTEST_TO_CHASE
        and any(c.isdigit() for c in value)
        and any(c.isalpha() for c in value)
        and not _PLACEHOLDER.fullmatch(value)
    )
