"""Logins that keystone refused: its own reason goes before what the refused ones guess."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from openstack_rca.records import Clue

_KEYSTONE = "keystone"
_REFUSED = "auth-failure"
_MOMENT = timedelta(seconds=2)
"""So close to keystone's line lies that of the one whom it refused."""
_GUESSED = 0.3
"""What the guess of who was refused (a wrong password) is worth where keystone says why."""


def as_keystone_says(clues: Sequence[Clue], table: pl.DataFrame) -> list[Clue]:
    """Return the clues, with little weight for those who were refused at the very moments at which keystone gave a reason.

    To the client an expired or locked account looks like a wrong password: it gets the same 401.
    """
    reasons = [c for c in clues if c.component == _KEYSTONE and c.type == _REFUSED and c.role == "cause"]
    given = _times(reasons, table)
    if given.is_empty():
        return list(clues)
    return [replace(c, weight=c.weight * _GUESSED) if _is_guess(c, given, table) else c for c in clues]


def _is_guess(clue: Clue, given: pl.Series, table: pl.DataFrame) -> bool:
    """Say whether most of what a refused program complains of came with a reason of keystone."""
    if clue.type != _REFUSED or clue.component == _KEYSTONE or clue.role == "context":
        return False
    times = _times([clue], table)
    near = sum(_is_near(moment, given) for moment in times)
    return 2 * near > len(times)


def _is_near(moment: datetime, given: pl.Series) -> bool:
    place = given.search_sorted(moment - _MOMENT)
    return place < len(given) and given[place] <= moment + _MOMENT


def _times(clues: Iterable[Clue], table: pl.DataFrame) -> pl.Series:
    """Return when the records of clues were written, in order."""
    wanted = [r for c in clues for r in c.records]
    return table.filter(pl.col("record").is_in(wanted))["time"].drop_nulls().sort()
