"""The calls that an issue is about -> who answered them: where nothing fails, the only lead."""

from collections.abc import Iterable

import polars as pl

from openstack_rca.correlation.http import with_http
from openstack_rca.correlation.sizes import COMPARE
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import Clue, ClueKind, Question

_WEIGHT = 0.25
"""More than what is merely unusual elsewhere, less than any failure."""
_FAILURE = 0.15
"""From this weight on a clue tells of a failure, if it is of no kind that only tells of something unusual (`_UNUSUAL`)."""
_UNUSUAL: frozenset[ClueKind] = frozenset({"change", "latency", "silence", "size"})
_SHORTEST = 4
"""Letters of a word from which on it is looked for in the route of a call: "volumes" in /v3/volumes/detail."""
_MOST, _ERROR = 5, 400


def asked_api(table: pl.DataFrame, question: Question, graph: ServiceGraph, clues: Iterable[Clue]) -> list[Clue]:
    """Return a clue against the API whose calls the issue is about first, when no other clue tells of a failure there.

    An answer can be wrong though its status is right: an empty list, a field that is missing.
    """
    about = (c for c in clues if not {c.component, c.reporter}.isdisjoint(question.components))
    if not question.components or any(map(_tells_of_failure, about)):
        return []
    component = question.components[0]
    names = graph.programs(table, lambda name: name == component)
    things = [w.removesuffix("s") for w in question.words if len(w) >= _SHORTEST]
    calls = with_http(table.filter(pl.col("service").is_in(names))).filter(
        pl.any_horizontal(pl.lit(False), *(pl.col("route").str.contains(f"/{t}", literal=True) for t in things))
    )
    if calls.is_empty():
        return []
    refused = calls.filter(pl.col("status") >= _ERROR)
    quoted = refused.filter(pl.col("status").is_in(list(question.statuses)))
    told = next(c for c in (quoted, refused, calls) if not c.is_empty())
    last = told.row(-1, named=True)
    return [
        Clue(
            kind="addressed",
            key=component,
            component=component,
            type="bug",
            weight=_WEIGHT,
            reporter=component,
            statement=(
                f"{component} answers the calls that the issue is about, and no failure of it is known: the last"
                f"{'' if refused.is_empty() else ' that it refused'} was {last['method']} {last['route']}, answered {last['status']}"
            ),
            records=tuple(told["record"].tail(_MOST)),
            count=told.height,
            first=told["time"][0],
            last=last["time"],
            look_next=(COMPARE,),
        )
    ]


def _tells_of_failure(clue: Clue) -> bool:
    return clue.role != "context" and clue.weight >= _FAILURE and clue.kind not in _UNUSUAL
