"""A text in sections that never grows beyond its budget of tokens."""

from collections.abc import Callable, Sequence
from hashlib import sha256

from openstack_rca.diagnosis.claude.counting import tokens

_LINE_BREAK = 1
_HEADING = 5
"""Tokens of the signs around the name of a section."""


class Page:
    """Takes pieces of text as long as they fit; `hide` is applied to each before it is counted."""

    def __init__(self, sections: Sequence[str], budget: int, hide: Callable[[str], str]) -> None:
        self._hide = hide
        self._parts: dict[str, list[tuple[tuple[str | int, ...], str]]] = {name: [] for name in sections}
        self.left = budget

    def offer(self, section: str, text: str, *order: str | int) -> bool:
        """Take a piece if it fits and say whether it did; pieces of a section stand by `order`, else as they came."""
        text = self._hide(text)
        cost = tokens(text) + _LINE_BREAK
        if not self._parts[section]:
            cost += tokens(section) + _HEADING
        if cost > self.left:
            return False
        self.left -= cost
        self._parts[section].append((order, text))
        return True

    def text(self) -> str:
        """Return the sections that hold something, under their names."""
        filled = [(n, sorted(pieces, key=lambda p: p[0])) for n, pieces in self._parts.items() if pieces]
        return "\n\n".join(f"## {name}\n" + "\n".join(text for _, text in pieces) for name, pieces in filled)


def wrap(name: str, text: str) -> str:
    """Return the text between tags that end in its checksum, so that nothing inside can forge the closing one."""
    tag = f"{name}_{sha256(text.encode()).hexdigest()[:8]}"  # with a dash, digits alone would look like a placeholder
    return f"<{tag}>\n{text}\n</{tag}>"
