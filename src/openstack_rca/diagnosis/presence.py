"""Who wrote lines when: a component that went on writing and reported nothing wrong is a poor suspect."""

from datetime import datetime, timedelta

import polars as pl

_SLACK = timedelta(seconds=20)


class Presence:
    """The times at which each component wrote, from a log table (`service`, `time` in UTC)."""

    def __init__(self, table: pl.DataFrame) -> None:
        timed = table.select(pl.col("service").cast(pl.String), "time").drop_nulls().sort("time")
        self._times = {str(name): group["time"] for (name,), group in timed.group_by("service")}

    def wrote(self, component: str, first: datetime | None, last: datetime | None) -> bool:
        """Say whether a component wrote anything between `first` and `last`, or shortly after `first`."""
        times = self._times.get(component)
        if times is None or first is None or last is None:
            return False
        begin = times.search_sorted(first)
        return begin < len(times) and times[begin] <= max(last, first + _SLACK)
