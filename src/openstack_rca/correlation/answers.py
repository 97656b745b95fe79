"""Complaints that somebody cannot be reached, though the very record holds an answer: who answers is there."""

import re
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from openstack_rca.records import Clue

UNREACHED = frozenset({"dependency-unreachable", "service-down"})
"""Types of clue by which somebody is out of reach."""
_STATUS = re.compile(r"(?:\(HTTP |\bGot )(\d{3})(?=\)|: )")
"""How the client libraries end what they raise about an answer, and how nova's client of placement begins it."""
_INVALID = frozenset({"400", "422"})
_REFUSED = {"409": "misconfiguration", "413": "quota"}
"""What it is when a call was understood and refused: by what is there, by its size."""
_BROKEN = frozenset({"500"})


def as_answered(clues: Sequence[Clue], table: pl.DataFrame) -> list[Clue]:
    """Return the clues; of those about somebody out of reach who answered, the ones that call the request invalid or refuse it
    accuse who sent it, and the ones that tell of an internal error say that it has a bug. Source: RFC 9110, 15.5 and 15.6.1.
    """
    records = {r for c in clues if _is_out_of_reach(c) for r in c.records}
    wanted = table.filter(pl.col("record").is_in(sorted(records)))
    statuses = {
        record: _STATUS.findall(f"{message} {detail or ''}")
        for record, message, detail in wanted.select("record", "message", "detail").iter_rows()
    }
    return [_heard(c, {s for r in c.records for s in statuses.get(r, ())}) if _is_out_of_reach(c) else c for c in clues]


def _is_out_of_reach(clue: Clue) -> bool:
    return clue.type in UNREACHED and clue.role != "context" and clue.component != clue.reporter


def _heard(clue: Clue, statuses: set[str]) -> Clue:
    """Return a clue about somebody out of reach, in view of the statuses that its records tell of."""
    answer = " and ".join(sorted(statuses))
    refused = {_REFUSED.get(status, "") for status in statuses}
    if answer and statuses <= _BROKEN:
        return replace(clue, type="bug", statement=f"{clue.statement} It answered with {answer}.")
    if answer and statuses <= _INVALID:
        verb, kind = "called invalid", "bug"
        remedy = f"Compare what {clue.reporter} sends with what the API of {clue.component} takes: version, plugins, patches."
    elif len(refused) == 1 and "" not in refused:
        verb, kind, remedy = "refused", refused.pop(), clue.remediation
    else:
        return clue
    return replace(
        clue,
        component=clue.reporter,
        host=None,
        type=kind,
        statement=f"{clue.component} {verb} what {clue.reporter} sent ({answer}), so it was reached",
        remediation=remedy,
        exculpates=clue.component,
    )
