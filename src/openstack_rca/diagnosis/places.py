"""A programming fault without a traceback -> the module whose logger reported it, since oslo.log's loggers are module names."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import polars as pl

from openstack_rca.knowledge import read
from openstack_rca.records import CodeLocation, Hypothesis

_MOST = 3


def placed(hypotheses: Sequence[Hypothesis], table: pl.DataFrame) -> list[Hypothesis]:
    """Return the hypotheses, those of a bug without a code location with the modules that reported its failures."""
    return [replace(h, code=_modules(h, table)) if h.type == "bug" and not h.code else h for h in hypotheses]


def _modules(hypothesis: Hypothesis, table: pl.DataFrame) -> tuple[CodeLocation, ...]:
    told = [
        r for c in hypothesis.clues if c.role != "context" and c.reporter == hypothesis.component for r in c.records
    ]
    rows = (
        table.filter(pl.col("record").is_in(told) & (pl.col("level") >= "WARNING"))
        .select("record", "logger")
        .drop_nulls()
    )
    loggers = dict(rows.iter_rows())
    paths = dict.fromkeys(loggers[r].replace(".", "/") + ".py" for r in told if r in loggers)
    own = [p for p in paths if p.count("/") > 1 and _is_core(p)]
    return tuple(CodeLocation(path, None, None) for path in own[:_MOST])


def _is_core(path: str) -> bool:
    """Say whether a module is OpenStack's own code and does more than pass calls on."""
    projects, plumbing = _own_code()
    return path.split("/", 1)[0] in projects and not path.startswith(plumbing)


@cache
def _own_code() -> tuple[frozenset[str], tuple[str, ...]]:
    data = read("exceptions.yaml")
    return frozenset(data["projects"]), tuple(data["plumbing"]["files"])
