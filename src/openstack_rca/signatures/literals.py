"""Finds literal texts that every match of a regular expression must contain, for the prefilter."""

from collections.abc import Iterable, Sequence
from re import _constants, _parser  # type: ignore[attr-defined]  # private since 3.11; a test holds it to its contract
from typing import Any, NamedTuple

SHORTEST = 4
"""Shorter literals would let nearly every line through the prefilter."""

Node = tuple[Any, Any]


class Pattern(NamedTuple):
    """What a regular expression holds: names of groups, and lower-case texts of which one or more occurs in each match."""

    groups: frozenset[str]
    literals: tuple[str, ...]


def read_pattern(pattern: str) -> Pattern:
    """Return groups and literals (none when none is certain) of `pattern`, without the cost of compiling it.

    Raises re.error where it is no regular expression.
    """
    parsed = _parser.parse(pattern)
    return Pattern(frozenset(parsed.state.groupdict), tuple(sorted(_best(parsed))))


def _best(nodes: Iterable[Node]) -> frozenset[str]:
    """Return the most selective set of alternatives that a sequence of nodes guarantees."""
    options: list[frozenset[str]] = []
    run = ""
    for operator, argument in nodes:
        if operator is _constants.LITERAL:
            run += chr(argument)
            continue
        options.append(_single(run))
        run = ""
        options.append(_inside(operator, argument))
    options.append(_single(run))
    return max(options, key=_selectivity)


def _inside(operator: Any, argument: Any) -> frozenset[str]:
    """Return what a group, an alternation or a repetition guarantees."""
    if operator is _constants.SUBPATTERN:
        return _best(argument[3])
    if operator is _constants.BRANCH:
        branches: Sequence[frozenset[str]] = [_best(branch) for branch in argument[1]]
        return frozenset().union(*branches) if all(branches) else frozenset()
    if operator in (_constants.MAX_REPEAT, _constants.MIN_REPEAT) and argument[0] > 0:
        return _best(argument[2])
    return frozenset()


def _single(run: str) -> frozenset[str]:
    return frozenset({run.lower()}) if len(run) >= SHORTEST and run.isascii() else frozenset()


def _selectivity(option: frozenset[str]) -> int:
    """Judge by the shortest alternative: it lets the most lines through."""
    return min(map(len, option), default=0)
