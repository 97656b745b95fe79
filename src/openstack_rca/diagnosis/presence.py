"""Who wrote lines when: a component that went on writing and reported nothing wrong is a poor suspect."""

from datetime import datetime, timedelta

import polars as pl

_SLACK = timedelta(seconds=20)


class Presence:
    """The times at which each component wrote, and on which host, from a log table (`service`, `host`, `time` in UTC)."""

    def __init__(self, table: pl.DataFrame) -> None:
        timed = (
            table.select(pl.col("service", "host").cast(pl.String), "time").drop_nulls(["service", "time"]).sort("time")
        )
        self._times: dict[tuple[str, str | None], pl.Series] = {
            (str(name), None): group["time"] for (name,), group in timed.group_by("service")
        }
        self._unplaced = set(timed.filter(pl.col("host").is_null())["service"])
        for (name, host), group in timed.drop_nulls().group_by("service", "host"):
            self._times[str(name), str(host)] = group["time"]

    def wrote(self, component: str, first: datetime | None, last: datetime | None, host: str | None = None) -> bool:
        """Say whether a component, that of one host if any is given, wrote anything up to `last`: since `first`, or for what
        took but a moment shortly before it.

        A callee writes its last line before its caller complains; who wrote only before a long outage was not there. Of a
        complaint without a time it cannot be told, so any line of the component speaks for it.
        """
        times = self._times.get((component, None if component in self._unplaced else host))
        if times is None or first is None or last is None:
            return times is not None
        begin = times.search_sorted(first - _SLACK if last - first <= _SLACK else first)
        return begin < len(times) and times[begin] <= last
