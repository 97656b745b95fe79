from collections.abc import Mapping
from typing import Any

import polars as pl

from openstack_rca.records import LOG_SCHEMA


def log_table(*rows: Mapping[str, Any]) -> pl.DataFrame:
    defaults = {"service": "nova-compute", "host": "compute-1", "level": "ERROR", "file": "x.log", "line": 1}
    filled = [dict.fromkeys(LOG_SCHEMA) | defaults | dict(row) for row in rows]
    table = pl.DataFrame(filled, schema=LOG_SCHEMA)
    return table.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("record"))
