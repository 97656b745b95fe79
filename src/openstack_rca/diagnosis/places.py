"""A programming fault without a traceback -> the module whose logger reported it, since oslo.log's loggers are module names."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from openstack_rca.correlation.tracebacks import Frame, load_blame
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
    blame = load_blame()
    own = [p for p in paths if p.count("/") > 1 and blame.is_core(Frame(p, 0, "", ""))]
    return tuple(CodeLocation(path, None, None) for path in own[:_MOST])
