"""Who wrote lines when, and what that makes of accusations: who went on writing and reported nothing wrong is a poor suspect."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from openstack_rca.contracts import Topology
from openstack_rca.records import Clue, ClueKind

_SLACK = timedelta(seconds=20)
NOTICED, _UNNOTICED = 0.15, 0.4
"""From which weight on a component noticed its own failure, and what accusations are worth when it did not."""
_UNNOTICEABLE = "data-corruption"
"""What who hands out data does not see: those who check them do."""
WITNESSED: frozenset[ClueKind] = frozenset(
    {"address", "answer", "connection", "intervention", "kernel", "refusals", "shared", "wait"}
)
"""Wrong addresses, bad answers, lost connections, what an administrator or the kernel did, what several report, who waited."""


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


def credit(clue: Clue, clues: Sequence[Clue], topology: Topology, presence: Presence | None) -> float:
    """Return what an accusation by another component is worth.

    Less when the accused went on writing meanwhile and noticed nothing itself: then its answer was right, and the
    question may have been wrong. This does not hold for those who speak from more than one side (`WITNESSED`).
    """
    if presence is None or clue.reporter == clue.component or topology.is_infrastructure(clue.component):
        return 1.0
    if clue.kind in WITNESSED or clue.type == _UNNOTICEABLE:
        return 1.0
    timed = clue if clue.first else next((c for c in clues if c.first and _says_the_same(c, clue)), clue)
    at = clue.host if topology.is_per_host(clue.component) else None
    if not presence.wrote(clue.component, timed.first, timed.last, at):
        return 1.0
    noticed = any(
        c.component == clue.component == c.reporter and c.role != "context" and c.weight >= NOTICED
        and c.kind not in ("change", "silence", "latency")
        for c in clues
    )  # fmt: skip
    return 1.0 if noticed else _UNNOTICED


def _says_the_same(clue: Clue, other: Clue) -> bool:
    """Say whether two clues are of one kind, reporter and accused, as the same failure in two logs."""
    return (clue.kind, clue.reporter, clue.component) == (other.kind, other.reporter, other.component)
