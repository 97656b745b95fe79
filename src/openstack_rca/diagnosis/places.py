"""A fault without a traceback -> who raised what was reported and the function that reported it, or, of a programming fault,
the module which does the work of the API call that failed.

oslo.log's loggers are module names; which of a module's functions logs a text, and which one raises an exception with it,
the index of OpenStack's source tells.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import polars as pl

from openstack_rca.contracts import Topology
from openstack_rca.diagnosis.case import Sayers
from openstack_rca.knowledge import read
from openstack_rca.records import CodeLocation, Hypothesis

_MOST = 3
_FAILING = frozenset({"WARNING", "ERROR", "CRITICAL"})
_NOT_RUNNING = frozenset({"service-down", "dependency-unreachable", "network", "timeout"})
"""Types of fault that are in no code: a program does not run, or is not reached."""


def placed(
    hypotheses: Sequence[Hypothesis], table: pl.DataFrame, topology: Topology, sayers: Sayers
) -> list[Hypothesis]:
    """Return the hypotheses, those without a code location with the places that reported, or for a bug handled, its failures."""
    return [
        h if h.code or h.type in _NOT_RUNNING else replace(h, code=_told_by(h, table, topology, sayers))
        for h in hypotheses
    ]


def _told_by(
    hypothesis: Hypothesis, table: pl.DataFrame, topology: Topology, sayers: Sayers
) -> tuple[CodeLocation, ...]:
    """Return the places that the reports of a hypothesis' component lead to, one a file, with a function where that is known."""
    clues = [c for c in hypothesis.clues if c.role != "context" and c.reporter == hypothesis.component]
    told = [r for c in clues for r in c.records]
    quoted = {r for c in clues if c.kind == "quoted" for r in c.records}
    rows = table.filter(pl.col("record").is_in(told)).select("record", "level", "logger", "message")
    found = {record: rest for record, *rest in rows.iter_rows()}
    places: list[CodeLocation] = []
    for record in told:
        level, logger, message = found.get(record, ("", None, ""))
        if logger and (level in _FAILING or record in quoted):
            places += (p for p in sayers(logger, message) if _is_of(p.file, hypothesis, topology))
    if hypothesis.type == "bug":
        handlers = (_handler(hypothesis.component, found[r][-1]) for r in told if r in found)
        places += (CodeLocation(file, None, None) for file in handlers if file)
    best: dict[str, CodeLocation] = {}
    for place in places:
        if not (place.file in best and best[place.file].function):
            best[place.file] = place
    return tuple(best.values())[:_MOST]


def _is_of(path: str, hypothesis: Hypothesis, topology: Topology) -> bool:
    """Say whether a module is the suspected component's own code and does more than pass calls on."""
    projects, plumbing = _own_code()
    project, _, module = path.partition("/")
    is_core = project == hypothesis.service and project in projects and not path.startswith(plumbing)
    return is_core and "/" in module and topology.runner(path) in (None, hypothesis.component)


def _handler(component: str, call: str) -> str | None:
    """Return the module that does the work of a call of an API; None where the knowledge has none."""
    if not re.search(r"(?:GET|POST|PUT|DELETE|PATCH) ", call):
        return None
    mine = (h for h in _handlers() if h["component"] == component)
    return next((h["file"] for h in mine if re.search(h["call"], call)), None)


@cache
def _handlers() -> list[dict[str, str]]:
    found: list[dict[str, str]] = read("http.yaml")["handlers"]
    return found


@cache
def _own_code() -> tuple[frozenset[str], tuple[str, ...]]:
    data = read("exceptions.yaml")
    return frozenset(data["projects"]), tuple(data["plumbing"]["files"])
