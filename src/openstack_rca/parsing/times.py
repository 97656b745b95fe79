"""Times as written to UTC: formats, zones, and years that a format leaves out."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile

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
    yearless = not any(year in f for f in formats for year in ("%Y", "%y", "epoch"))
    text = table["time"]
    zones = pl.select(_stated_zone(text) if zone == "offset" else pl.lit(zone)).to_series()
    time = pl.Series("time", [None] * table.height, pl.Datetime("us"))
    full = f"{ANY_YEAR} " + text if yearless else text
    for form in formats:
        parsed = _parsed(full, f"%Y {form}" if yearless else form)
        time = time.zip_with(time.is_not_null(), parsed)
        if time.null_count() == text.null_count():
            break
    return table.with_columns(time=time, zone=pl.when(time.is_not_null()).then(zones), yearless=pl.lit(yearless))


def _parsed(text: pl.Series, form: str) -> pl.Series:
    if form == "epoch-us":
        return text.cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
    if form == "epoch":
        return (text.cast(pl.Float64, strict=False) * 1e6).round().cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
    time = text.str.to_datetime(form, strict=False, time_unit="us")
    return time.dt.replace_time_zone(None) if "z" in form else time


def _stated_zone(text: pl.Series) -> pl.Expr:
    """The zone that a time names: "UTC", "+02:00", or "assumed" when it names none; numbers count from the epoch."""
    offset = text.str.extract(r":\d\d.*([+-]\d\d):?\d\d$", 1) + ":" + text.str.extract(r"(\d\d)$", 1)
    utc = text.str.contains(r"(?:Z|[+-]00:?00|^[\d.]+)$")
    return pl.when(utc).then(pl.lit("UTC")).otherwise(offset.fill_null("assumed"))


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
            time=pl.when(assumed).then(local).otherwise("time").forward_fill().over("file"),
            zone=pl.when(assumed).then(pl.lit(f"assumed {self._name}")).otherwise("zone"),
        )

    def with_years(self, table: pl.DataFrame, names: Sequence[str], modified: Sequence[float | None]) -> pl.DataFrame:
        """Return the table with the year in the times that were written without one.

        The last such time of a file is as near as it can be to the latest time with a year in that file, else in the
        files that lie nearest to it; where none has a year it is not after the file's own date, else not after now.
        From there the years run back, one less at each turn of the year.
        """
        dates = table.with_row_index("at").filter(pl.col("time").is_not_null()).select("at", "file", "time", "yearless")
        unsure = dates.filter(pl.col("yearless"))
        if unsure.is_empty():
            return table
        latest = dict(dates.filter(~pl.col("yearless")).group_by("file").agg(pl.col("time").max()).iter_rows())
        for (file,), rows in unsure.partition_by("file", as_dict=True, maintain_order=True).items():
            reference = latest.get(file) or _nearest(names[file], {names[f]: time for f, time in latest.items()})
            year = _year_before(rows["time"].item(-1), self._limit(None if reference else modified[file]))
            if reference:
                year = min(year, _year_near(rows["time"].item(-1), reference))
            days = rows["time"].diff().dt.total_days()
            turns = (days < -180).cast(pl.Int32).fill_null(0) - (days > 180).cast(pl.Int32).fill_null(0)
            shift = turns.cum_sum() - turns.sum() + (year - ANY_YEAR)
            dated = rows["time"].dt.offset_by(shift.cast(pl.String) + "y")
            table = table.with_columns(time=table["time"].scatter(rows["at"], dated))
        return table

    def _limit(self, modified: float | None) -> datetime:
        now = self._now.astimezone(UTC) if self._now.tzinfo else self._now.replace(tzinfo=UTC)
        seconds = now.timestamp() if modified is None else min(max(modified, 0.0), now.timestamp())
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None) + timedelta(days=1)


def _nearest(name: str, times: Mapping[str, datetime]) -> datetime | None:
    """Return the latest time of the files that share the most folders with a file."""
    folders = name.split("/")[:-1]

    def shared(other: str) -> int:
        pairs = zip(folders, other.split("/")[:-1], strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    return max(((shared(other), time) for other, time in times.items()), default=(0, None))[1]


def _year_near(time: datetime, reference: datetime) -> int:
    years = range(max(reference.year - 1, 1), reference.year + 2)
    return min(years, key=lambda year: abs(_in_year(time, year) - reference))


def _year_before(time: datetime, limit: datetime) -> int:
    return limit.year if _in_year(time, limit.year) <= limit else limit.year - 1


def _in_year(time: datetime, year: int) -> datetime:
    day = 28 if (time.month, time.day) == (2, 29) else time.day
    return time.replace(year=year, day=day)


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
        pl.Series([datetime(2000, 1, 1)]).dt.replace_time_zone(name or "none")
    except pl.exceptions.PolarsError as error:
        raise UsageError(
            f"The timezone {name!r} is neither a name like Europe/Berlin nor an offset like +02:00."
        ) from error
    return 0, name
