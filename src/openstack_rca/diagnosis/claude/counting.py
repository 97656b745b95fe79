"""How many tokens a text is, counted on this machine and never too few."""

import re

_PIECE = re.compile(r"[A-Za-z]+|[0-9]+|[^\S\n]{2,}|\n+|[^\sA-Za-z0-9]")
_LETTERS = 4
_DIGITS = 2


def tokens(text: str) -> int:
    """Return an upper estimate of the tokens of a text.

    Words count a token for every four letters begun, numbers one for every two digits, every other sign one, signs
    beyond ASCII two. The vendor publishes no tokenizer; docs/decisions/0011-claude.md has the measured error.
    """
    return sum(map(_cost, _PIECE.findall(text)))


def _cost(piece: str) -> int:
    first = piece[0]
    if not first.isascii():
        return 2
    if first.isalpha():
        return -(-len(piece) // _LETTERS)
    if first.isdigit():
        return -(-len(piece) // _DIGITS)
    return 1
