"""A fault without a traceback -> the module whose logger reported it (oslo.log's loggers are module names), or, of a
programming fault, which does the work of the API call that failed."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import polars as pl

from openstack_rca.knowledge import read
from openstack_rca.records import CodeLocation, Hypothesis

_MOST = 3
_NOT_RUNNING = frozenset({"service-down", "dependency-unreachable", "network", "timeout"})
"""Types of fault that are in no code: a program does not run, or is not reached."""


def placed(hypotheses: Sequence[Hypothesis], table: pl.DataFrame) -> list[Hypothesis]:
    """Return the hypotheses, those without a code location with the modules that reported, or for a bug handled, its failures."""
    return [h if h.code or h.type in _NOT_RUNNING else replace(h, code=_modules(h, table)) for h in hypotheses]


def _modules(hypothesis: Hypothesis, table: pl.DataFrame) -> tuple[CodeLocation, ...]:
    told = [
        r for c in hypothesis.clues if c.role != "context" and c.reporter == hypothesis.component for r in c.records
    ]
    rows = table.filter(pl.col("record").is_in(told)).select("record", "level", "logger", "message")
    loggers = dict(rows.filter(pl.col("level") >= "WARNING").select("record", "logger").drop_nulls().iter_rows())
    paths = dict.fromkeys(loggers[r].replace(".", "/") + ".py" for r in told if r in loggers)
    own = [p for p in paths if p.count("/") > 1 and p.startswith(f"{hypothesis.service}/") and _is_core(p)]
    calls = dict(rows.select("record", "message").iter_rows())
    if hypothesis.type == "bug":
        own += [f for r in told if r in calls and (f := _handler(hypothesis.component, calls[r]))]
    return tuple(CodeLocation(path, None, None) for path in [*dict.fromkeys(own)][:_MOST])


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


def _is_core(path: str) -> bool:
    """Say whether a module is OpenStack's own code and does more than pass calls on."""
    projects, plumbing = _own_code()
    return path.split("/", 1)[0] in projects and not path.startswith(plumbing)


@cache
def _own_code() -> tuple[frozenset[str], tuple[str, ...]]:
    data = read("exceptions.yaml")
    return frozenset(data["projects"]), tuple(data["plumbing"]["files"])
