"""Log tables for the tests of the features."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from openstack_rca.records import LOG_SCHEMA

START = datetime(2026, 11, 22, 9, 16)


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return a log table; `at` is the time of a row in seconds after START, None for no time."""
    filled = []
    for number, row in enumerate(rows):
        at = row.pop("at", float(number))
        time = None if at is None else START + timedelta(seconds=at)
        usual = {
            "record": number,
            "file": "nova-api.log",
            "line": number + 1,
            "lines": 1,
            "time": time,
            "level": "INFO",
        }
        usual |= {"service": "nova-api", "pid": "1", "message": "x", "template": "t", "resources": []}
        filled.append(usual | row)
    return pl.DataFrame(filled, schema=LOG_SCHEMA)
