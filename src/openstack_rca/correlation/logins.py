"""Logins that keystone refused: its own reason goes before what the refused ones guess."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import Clue

_KEYSTONE = "keystone"
_REFUSED = "auth-failure"
_MOMENT = timedelta(seconds=2)
"""So close to keystone's line lies that of the one whom it refused."""
_FELT = 0.6
"""What the complaint of who was refused is worth against its guess (a wrong password) where keystone says why."""


def as_keystone_says(clues: Sequence[Clue], table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return the clues; of those who were refused at the very moments at which keystone gave a reason it is a symptom of that.

    To the client an expired or locked account looks like a wrong password: it gets the same 401. Programs of one service have
    the same account, so what is said of the complaint of one holds for that of the others.
    """
    reasons = [c for c in clues if c.component == _KEYSTONE and c.type == _REFUSED and c.role == "cause"]
    given = _times(reasons, table)
    guesses = [c for c in clues if c.type == _REFUSED and c.component != _KEYSTONE and c.role != "context"]
    explained = {_account(c, graph) for c in guesses if _is_explained(c, given, table)}
    return [_led_to_keystone(c) if c in guesses and _account(c, graph) in explained else c for c in clues]


def _led_to_keystone(guess: Clue) -> Clue:
    """Return the complaint of who was refused as one that keystone's reason accounts for; its advice goes."""
    return replace(
        guess,
        key=f"{guess.key}:{_KEYSTONE}",
        component=_KEYSTONE,
        host=None,
        role="symptom",
        weight=guess.weight * _FELT,
        remediation="",
        look_next=(),
        code=(),
        exculpates=guess.reporter,
    )


def _account(clue: Clue, graph: ServiceGraph) -> tuple[str, str]:
    """Return what stands for the account that was refused: the service and its complaint."""
    return graph.family(clue.reporter), clue.finding


def _is_explained(clue: Clue, given: pl.Series, table: pl.DataFrame) -> bool:
    """Say whether most of what a refused program complains of came with a reason of keystone."""
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
