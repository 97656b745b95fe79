"""The first and the last time of records, typed as times."""

from datetime import datetime

import polars as pl


def earliest(times: pl.Series) -> datetime | None:
    """Return the first of some times; None where there is none."""
    found = times.min()
    return found if isinstance(found, datetime) else None


def latest(times: pl.Series) -> datetime | None:
    """Return the last of some times; None where there is none."""
    found = times.max()
    return found if isinstance(found, datetime) else None


def bounds(times: pl.Series) -> tuple[datetime, datetime]:
    """Return the first and the last of some times, of which there is at least one."""
    first, last = earliest(times), latest(times)
    assert first
    assert last
    return first, last


def duration(table: pl.DataFrame) -> float:
    """Return the seconds between the first and the last record of a log table; at least 1."""
    first, last = earliest(table["time"]), latest(table["time"])
    return max(1.0, (last - first).total_seconds()) if first and last else 1.0
