"""A JSON answer as it streams in -> the sentences in it, as they grow."""

import json
import re

SPOKEN = frozenset({"statement", "why", "event", "remediation", "answer"})
"""Fields whose text is read out while it streams."""
_BEGUN = re.compile(r"<[a-z-]{0,30}\d{0,6}$")
"""What may become a placeholder with the next piece."""


class Prose:
    """Reads JSON piece by piece and gives back the text of the fields in `SPOKEN`."""

    def __init__(self) -> None:
        self._in_string = False
        self._escape = ""
        self._is_value = False
        self._key = ""
        self._word: list[str] = []
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return what can be read out after this piece; a placeholder that has only begun is held back."""
        text = self._held + "".join(map(self._take, piece))
        begun = _BEGUN.search(text)
        end = begun.start() if begun else len(text)
        self._held = text[end:]
        return text[:end]

    def _take(self, sign: str) -> str:
        if not self._in_string:
            if sign == '"':
                self._in_string, self._word = True, []
            elif sign in ":,{[":
                self._is_value = sign == ":"
            return ""
        if self._escape or sign == "\\":
            self._escape += sign
            if len(self._escape) < (6 if self._escape.startswith("\\u") else 2):
                return ""
            sign, self._escape = _unescaped(self._escape), ""
        elif sign == '"':
            self._in_string = False
            if not self._is_value:
                self._key = "".join(self._word)
            return "\n" if self._spoken else ""
        self._word.append(sign)
        return sign if self._spoken else ""

    @property
    def _spoken(self) -> bool:
        return self._is_value and self._key in SPOKEN


def _unescaped(escape: str) -> str:
    try:
        sign = str(json.loads(f'"{escape}"'))
    except ValueError:
        return ""
    return "" if "\ud800" <= sign <= "\udfff" else sign
