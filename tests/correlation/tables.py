from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from openstack_rca.records import LOG_SCHEMA

START = datetime(2026, 11, 22, 8, 0)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def log_table(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """A log table of rows that name only what matters; `at` is seconds after START, the message serves as template."""
    defaults = {"service": "nova-api", "level": "INFO", "file": "x.log", "lines": 1, "logger": "nova", "pid": "1"}
    filled = []
    for number, row in enumerate(rows):
        given = dict(row)
        seconds = given.pop("at", float(number))
        one = dict.fromkeys(LOG_SCHEMA) | defaults | {"time": None if seconds is None else at(seconds)} | given
        filled.append(one | {"record": number, "line": number + 1, "template": one["template"] or one["message"]})
    return pl.DataFrame(filled, schema=LOG_SCHEMA)


def novel(table: pl.DataFrame, novelty: float = 1.0) -> pl.DataFrame:
    return table.with_columns(novelty=pl.lit(novelty))
