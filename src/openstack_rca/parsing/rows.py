"""What every line becomes before records are made of the lines."""

import polars as pl

from openstack_rca.parsing.formats import COLUMNS
from openstack_rca.records import LEVELS

ROW_SCHEMA: dict[str, pl.DataType] = {
    "file": pl.UInt32(),  # number of the file in the run
    "row": pl.UInt32(),  # number of the line in the batch, later in the run
    "format": pl.String(),
    "opens": pl.Boolean(),  # false: may belong to an earlier record; null: a line without header
    "key": pl.UInt64(),  # what the lines of one record have in common
    "adopts": pl.Boolean(),  # whether lines without header belong to it
    **{name: pl.String() for name in COLUMNS if name != "mark"},
    "time": pl.Datetime("us"),  # as written, or UTC where the zone is known
    "zone": pl.String(),  # "UTC", "+02:00", or "assumed"
    "yearless": pl.Boolean(),
    "level": pl.Enum(LEVELS),
    "service": pl.String(),
}
"""Columns of the rows, one row for each line."""

_WORDS = {
    "DEBUG": "DEBUG debug dbg DBG D trace",
    "INFO": "INFO info INF I AUDIT audit NOTE Note note NOTICE notice System",
    "WARNING": "WARNING warning Warning WARN warn WRN W",
    "ERROR": "ERROR error Error ERR err E TRACE",
    "CRITICAL": "CRITICAL critical CRIT crit C FATAL fatal F EMER EMERG emerg ALERT alert PANIC panic dpanic",
}
_SYSLOG = ("CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG")
LEVEL_WORDS = {word: level for level, words in _WORDS.items() for word in words.split()} | {
    str(priority): _SYSLOG[priority % 8] for priority in range(192)
}
"""How programs write levels; numbers are syslog priorities."""

_INDENTED = (
    r"^(?:[ \t]|$|Traceback \(most recent call last\)|During handling of the above|The above exception was the direct)"
)
_EXCEPTION = r"^(?:[a-z_]\w*\.)*[A-Z]\w*(?:: |:?$)"


def goes_on() -> pl.Expr:
    """Whether the message continues the one before it with the same key: indented, or the last line of a traceback."""
    message = pl.col("message").fill_null("")
    indented = message.str.contains(_INDENTED)
    return indented | (indented.shift(1, fill_value=False).over("key") & message.str.contains(_EXCEPTION))
