"""TF-IDF over masked messages: how close each is to a query in the words they share, rare words counting more."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MASK = re.compile(r"<[a-z0-9_*]+>|\$\w+")
_WORD = re.compile(r"[a-z]{2,}")
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ed", "es", "s", "e", "y")
_SHORTEST_STEM = 4
_STOP = frozenset(
    re.findall(
        r"\w+",
        """an and are as at be been but by can for from has have he her his how if in into is it its me my no not of on
        or our so than that the their them then there these they this to us was we were what when which while who why
        will with you your""",
    )
)
_MAX_CHARACTERS = 100_000
"""Of a query or text only so much is read: a query of a megabyte says nothing that its start does not."""


def words(text: str) -> list[str]:
    """Return the words of a text as TF-IDF counts them: masks left out, CamelCase parted, endings cut."""
    plain = _CAMEL.sub(" ", _MASK.sub(" ", text[:_MAX_CHARACTERS])).lower()
    return [_stem(word) for word in _WORD.findall(plain) if word not in _STOP]


def _stem(word: str) -> str:
    """Cut an ending so that volume, volumes and creating, creation, created meet."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)]
    return word


class TfidfIndex:
    """Texts as unit vectors of weights log(1 + tf) · idf (Salton and Buckley 1988), ready to be compared to queries.

    The inverse document frequency is that of the texts given here. Give the distinct templates of the logs under
    analysis, not their lines: a flood of one message would otherwise decide what is rare.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._size = len(texts)
        self._term: dict[str, int] = {}
        rows, columns, counts = [], [], []
        for row, text in enumerate(texts):
            for word, count in Counter(words(text)).items():
                rows.append(row)
                columns.append(self._term.setdefault(word, len(self._term)))
                counts.append(count)
        self._row = np.array(rows, np.int64)
        self._column = np.array(columns, np.int64)
        found_in = np.bincount(self._column, minlength=len(self._term))
        self._idf = np.log((1.0 + self._size) / (1.0 + found_in)) + 1.0
        weight = np.log1p(np.array(counts, np.float64)) * self._idf[self._column]
        length = np.sqrt(np.bincount(self._row, weight**2, minlength=self._size))
        self._weight = weight / length[self._row]

    def scores(self, query: str) -> NDArray[np.float64]:
        """Return the cosine of each text to the query, 0 to 1, in the order of the texts; all 0 for an empty query."""
        wanted = np.zeros(len(self._term))
        for word, count in Counter(words(query)).items():
            if word in self._term:
                wanted[self._term[word]] = np.log1p(count)
        wanted *= self._idf
        length = float(np.linalg.norm(wanted))
        if length == 0.0:
            return np.zeros(self._size)
        shared = self._weight * wanted[self._column] / length
        return np.bincount(self._row, shared, minlength=self._size).astype(np.float64)
