"""Which masked texts are one template: Drain proposes groups, and a word gives way only where many stood before."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from openstack_rca.templates.masks import Masks

WILDCARD = "<*>"
MIN_WORDS = 5
"""A place becomes a wildcard when at least so many different words were seen there."""
SIMILARITY = 0.6
"""Share of equal words from which Drain puts two texts into one group."""
LARGE = 100
"""Above so many texts of one shape Drain, which compares each with each, is left out: they are one group."""

_WORD = re.compile(r"[A-Za-z0-9_/][\w./-]*")
_FIXED = re.compile(r"(?:^|[^<A-Z])[A-Za-z]{2,}")

Shape = tuple[object, ...]


def shape(text: str, masks: Masks) -> Shape:
    """Return what texts must have in common to be merged: length, first word, and all protected words in place."""
    tokens = text.split()
    kept = tuple((i, *words) for i, token in enumerate(tokens) if (words := tuple(_protected(token, masks))))
    return len(tokens), tokens[0] if tokens else "", kept


def merge(texts: Collection[str]) -> dict[str, str]:
    """Return the template text of each masked text; all texts given are of one shape.

    The result depends on the set of texts only, not on their order. A text whose template would keep no fixed word
    is its own template.
    """
    merged = {text: text for text in texts}
    if len(merged) < MIN_WORDS:
        return merged
    for group in _groups(sorted(merged)):
        columns = list(zip(*(text.split() for text in group), strict=True))
        variable = {i for i, words in enumerate(columns) if len(set(words)) >= MIN_WORDS}
        for text in group:
            template = " ".join(WILDCARD if i in variable else word for i, word in enumerate(text.split()))
            if _FIXED.search(template):
                merged[text] = template
    return merged


def fits(template: str, text: str) -> bool:
    """Say whether the template, wildcards standing for any word, is the text; both are of one shape."""
    return all(a in (WILDCARD, b) for a, b in zip(template.split(), text.split(), strict=True))


def _groups(texts: list[str]) -> Iterable[list[str]]:
    if len(texts) > LARGE:
        return [texts]
    from drain3.drain import Drain

    drain = Drain(depth=4, sim_th=SIMILARITY, param_str=WILDCARD, parametrize_numeric_tokens=False)
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for text in texts:
        cluster, _ = drain.add_log_message(text)
        groups[cluster.cluster_id].append(text)
    return groups.values()


def _protected(token: str, masks: Masks) -> Iterator[str]:
    for word in _WORD.findall(token):
        bare = word.rstrip(".")
        if masks.keeps(bare):
            yield bare
