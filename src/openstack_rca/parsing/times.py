"""Times as written to UTC: formats, zones, and years that a format leaves out."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from openstack_rca.errors import UsageError

ANY_YEAR = 2000
"""The leap year that stands in for a missing one until the whole file is read."""
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def to_time(table: pl.DataFrame, formats: Sequence[str], zone: str) -> pl.DataFrame:
    """Replace the text column `time` by a time, and add `zone` and `yearless`.

    Times with an offset become UTC; the others stay as written until the whole file is known.
    """
    if "time" not in table.columns:
        return table.with_columns(
            time=pl.lit(None, pl.Datetime("us")), zone=pl.lit(None, pl.String), yearless=pl.lit(False)
        )
    text = pl.col("time")
    yearless = not any(year in f for f in formats for year in ("%Y", "%y", "%s"))
    if yearless:
        text = pl.lit(f"{ANY_YEAR} ") + text
        formats = [f"%Y {f}" for f in formats]
    parsed = [text.str.to_datetime(f, strict=False, time_unit="us") for f in formats]
    if zone == "offset":
        parsed = [p.dt.replace_time_zone(None) for p in parsed]
    return table.with_columns(
        time=pl.coalesce(parsed), zone=_offset(pl.col("time")) if zone == "offset" else pl.lit(zone), yearless=yearless
    )


def _offset(text: pl.Expr) -> pl.Expr:
    offset = text.str.extract(r"([+-]\d\d):?\d\d$", 1) + ":" + text.str.extract(r"[+-]\d\d:?(\d\d)$", 1)
    return pl.when(offset.is_null() | offset.is_in(["+00:00", "-00:00"])).then(pl.lit("UTC")).otherwise(offset)


class Clock:
    """Brings times as written to UTC, in the zone that is assumed for those that name none."""

    def __init__(self, timezone: str, now: datetime) -> None:
        self._name = timezone
        self._now = now
        self._shift, self._zone = _zone(timezone)

    def to_utc(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return the table with `time` in UTC and without gaps, and `zone` as it is shown.

        A local time that occurs twice is taken as the first; one that a clock change leaves out gets its neighbour's.
        """
        assumed = pl.col("zone") == "assumed"
        local = pl.col("time")
        if self._zone:
            local = local.dt.replace_time_zone(self._zone, ambiguous="earliest", non_existent="null")
            local = local.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        elif self._shift:
            local = local - pl.duration(minutes=self._shift)
        return table.with_columns(
            time=pl.when(assumed).then(local).otherwise("time").forward_fill(),
            zone=pl.when(assumed).then(pl.lit(f"assumed {self._name}")).otherwise("zone"),
        )

    def fill_years(self, files: Sequence[Any]) -> None:
        """Put the year into the times that were written without one."""


def _zone(name: str) -> tuple[int, str | None]:
    """Return minutes east of UTC, or the IANA name.

    Raises UsageError for a name that is no zone.
    """
    offset = _OFFSET.fullmatch(name)
    if offset:
        return (-1 if offset[1] == "-" else 1) * (int(offset[2]) * 60 + int(offset[3])), None
    if name.upper() in ("UTC", "Z"):
        return 0, None
    try:
        ZoneInfo(name)
    except (ValueError, OSError) as error:
        raise UsageError(f"The timezone {name!r} is neither a name like Europe/Berlin nor an offset like +02:00.") from error
    return 0, name


def utc_now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)
