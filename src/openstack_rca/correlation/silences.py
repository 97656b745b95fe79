"""Programs that wrote as often as they do and then fell silent while others went on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from openstack_rca.correlation.reboots import boots
from openstack_rca.correlation.restarts import by_program
from openstack_rca.correlation.times import duration, latest
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import on
from openstack_rca.records import LONGEST_TIMER, Clue, ClueRole, Period

_BURST = 5.0
"""Seconds in which all that a program writes is one sign of life: the lines of its start, or of one request."""
_MIN_SILENCE = 20.0
"""Seconds."""
_SHORT = 180.0
"""Seconds that a wave of requests may last, or stay away."""
_EXPECTED = 10.0
"""So many signs of life must be missing: chance (Poisson) leaves none of 10 out once in 20000 times, and there are some fifty programs
with several pauses each."""
_LEAST = 6
"""From so few signs of life on a rate is told without a baseline."""
_KNOWN_SHARE = 0.25
"""The time before a silence must hold this share of it without a baseline: what begins with a burst may be quiet by nature."""
_LONGER = 3
"""So many times as long as any in health, or any before it in the same logs, a silence must be."""
_OTHERS, _PARTS, _HEARD_PARTS = 2, 8, 6
"""So many other programs must have gone on, in so many of the parts of a silence."""
_PROGRAMS = 3
"""Of so many programs a host's silence is told."""
_TOGETHER = timedelta(seconds=20)
_MANY, _UNASKED = 3, 0.4
"""From how many services on a common silence says little of each, and what it keeps of its weight."""
_TIMER = timedelta(seconds=60)
"""A silence that begins this long after the failures set in is not what they come from (rpc_response_timeout)."""
_SURE = 12.0
"""From so many missing signs of life on a silence may be a cause."""
_TO_THE_END_WEIGHT, _WEIGHT = 0.5, 0.4
_HOST = "host"


class _Quiet(NamedTuple):
    """A quiet stretch: its begin and end, the last record before it, how often the program was to be heard of in it, and how many
    signs of life that makes where the rate itself is not sure.
    """

    since: datetime
    until: datetime
    record: int
    expected: float
    sure: float

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()


class _Habit(NamedTuple):
    """How a program writes in health: signs of life a second, and its longest pause in seconds."""

    rate: float
    pause: float


def silences(
    table: pl.DataFrame, baseline: pl.DataFrame | None, graph: ServiceGraph, failing: Period | None = None
) -> list[Clue]:
    """Return a clue for each program and host that fell silent while others went on; of a whole host's silence one.

    Its rate in the baseline, without one its rate before, leaves no doubt that it would have written; and the silence is much
    longer than any that was seen. It is a cause only where it goes on to the end and covers the begin of what is `failing`,
    and context where it was over before, or came after.
    """
    end = latest(table["time"])
    if end is None:
        return []
    habits = _habits(baseline) if baseline is not None else None
    everything = _with_asked(table).drop_nulls(["service", "time"]).sort("time")
    timed = everything.filter(pl.col("logger").is_not_null())
    booted = boots(table)
    clues = []
    for service, host, own in by_program(timed):
        habit = None if habits is None else habits.get((service, host))
        quiet = _longest_quiet(own, end, habit)
        if quiet is None or not _went_on(timed, service, quiet):
            continue
        if quiet.until < end and any(at == host and quiet.since <= begin <= quiet.until for at, begin, _ in booted):
            continue  # its host was down
        component, last = graph.component_of(service), _last_of_host(everything, host, quiet)
        if last is not None:
            component, quiet = _HOST, last
        role = _role(quiet, failing, quiet.until >= end, _is_asked(component, graph))
        clue = _silence(component, host, quiet, quiet.until >= end, role)
        clues.append(_of_the_unasked(clue) if _works_on_request(own, quiet) else clue)
    clues = list({c.key: c for c in clues}.values())
    return [_of_the_unasked(c) if _is_common(c, clues, graph) else c for c in clues]


def _role(quiet: _Quiet, failing: Period | None, to_the_end: bool, only_asked: bool) -> ClueRole:
    """Return what a silence is for failures: context when it does not overlap them, a cause when they can come from it."""
    if failing is None:
        return "symptom"
    begin, end = failing
    if quiet.until + LONGEST_TIMER < begin or quiet.since > end + LONGEST_TIMER:
        return "context"
    covers = quiet.since <= begin + _TIMER
    return "cause" if covers and to_the_end and quiet.sure >= _SURE and not only_asked else "symptom"


def _is_asked(component: str, graph: ServiceGraph) -> bool:
    """Say whether a program may be silent because nobody asks it for anything, or is not known; a host's silence may be that
    of its collector.
    """
    known = graph.components.get(component)
    return known is None or component == _HOST or bool(known.get("ports"))


def _with_asked(table: pl.DataFrame) -> pl.DataFrame:
    """Return what of a log table tells who wrote when, and whether it was `asked`: under a request that others work on as well."""
    shared = (
        table.drop_nulls("root")
        .group_by("root")
        .agg(pl.col("service").n_unique())
        .filter(pl.col("service") > 1)["root"]
    )
    return table.select(
        "service",
        "host",
        "time",
        "record",
        "logger",
        asked=pl.col("root").is_in(shared.implode()).fill_null(value=False),
    )


def _works_on_request(own: pl.DataFrame, quiet: _Quiet) -> bool:
    """Say whether what a program writes unasked does not suffice to miss it: then perhaps nobody handed it any work."""
    before = own.filter(pl.col("time") <= quiet.since)
    unasked = _signs(before.filter(~pl.col("asked"))["time"]) / max(1, _signs(before["time"]))
    return unasked * quiet.sure < _EXPECTED


def _went_on(timed: pl.DataFrame, service: str, quiet: _Quiet) -> bool:
    """Say whether other programs wrote all through a stretch: the logs themselves may have a hole, or end earlier."""
    others = timed.filter(pl.col("time").is_between(quiet.since, quiet.until) & (pl.col("service") != service))
    part = ((others["time"] - quiet.since).dt.total_microseconds() / 1e6 / quiet.seconds * _PARTS).floor()
    return others["service"].n_unique() >= _OTHERS and part.n_unique() >= _HEARD_PARTS


def _last_of_host(everything: pl.DataFrame, host: str | None, quiet: _Quiet) -> _Quiet | None:
    """Return the stretch in which nobody on a host wrote, where that is nearly the one of a program; None where others went on."""
    own = everything.filter(pl.col("host") == host) if host else everything.clear()
    before = own.filter(pl.col("time") <= quiet.since + _TOGETHER)
    if before["service"].n_unique() < _PROGRAMS:
        return None
    since = before["time"][-1]
    if own.filter(pl.col("time").is_between(since, quiet.until, closed="none")).height:
        return None
    return quiet._replace(since=since, record=int(before["record"][-1]))


def _of_the_unasked(silence: Clue) -> Clue:
    """Return what a silence is worth that may come from nobody's asking for anything."""
    role = "symptom" if silence.role == "cause" else silence.role
    return replace(silence, weight=silence.weight * _UNASKED, role=role)


def _is_common(silence: Clue, silences: Sequence[Clue], graph: ServiceGraph) -> bool:
    """Say whether several services fell silent together: then rather nobody asked them for anything."""
    together = {
        graph.family(c.component)
        for c in silences
        if c.first and silence.first and abs(c.first - silence.first) <= _TOGETHER
    }
    return len(together) >= _MANY


def _habits(baseline: pl.DataFrame) -> Mapping[tuple[str, str | None], _Habit]:
    """Return how each program and host writes in health; its pauses are also those at the begin and the end of these logs."""
    timed = baseline.drop_nulls(["service", "time", "logger"]).sort("time")
    if timed.is_empty():
        return {}
    length, edges = duration(timed), timed["time"].gather([0, -1])
    return {
        (service, host): _Habit(_signs(own["time"]) / length, max(_pauses(pl.concat([own["time"], edges]).sort())))
        for service, host, own in by_program(timed)
    }


def _signs(times: pl.Series) -> int:
    """Return how many signs of life some times are: those of one burst are one."""
    return (times.dt.epoch("us") // int(_BURST * 1e6)).n_unique()


def _pauses(times: pl.Series) -> list[float]:
    """Return the seconds from each time to the next."""
    return (times.diff().dt.total_microseconds().drop_nulls() / 1e6).to_list()


def _longest_quiet(own: pl.DataFrame, end: datetime, habit: _Habit | None) -> _Quiet | None:
    """Return the longest quiet stretch of a program up to the end of the logs, if chance does not account for it."""
    pauses = _pauses(pl.concat([own["time"], pl.Series([end], dtype=own["time"].dtype)]))
    longest = max(pauses)
    at = pauses.index(longest)
    if longest < _MIN_SILENCE:
        return None
    expected, sure = _missing(own["time"].head(at + 1), longest, max(pauses[:at], default=0.0), habit)
    if sure < _EXPECTED:
        return None
    until = own["time"][at + 1] if at + 1 < own.height else end
    return _Quiet(own["time"][at], until, int(own["record"][at]), expected, sure)


def _missing(before: pl.Series, seconds: float, pause: float, habit: _Habit | None) -> tuple[float, float]:
    """Return how many signs of life were to be expected in a silence, and as how many they count, given the times before it and
    the longest pause among these.

    With a habit at its rate; where the time before is long enough to show that the program writes less now, at that rate. Without
    one at the rate before, and they count as the logarithm of the chance under a Poisson process whose rate so many signs tell; 0
    where that time is too short or shows pauses. In a short silence both must hold: what people ask for comes in waves.
    """
    signs, active = _signs(before), duration(before.to_frame("time"))
    known = signs >= _LEAST and active >= _KNOWN_SHARE * seconds and seconds >= _LONGER * pause
    by_before = signs * math.log1p(seconds / active) if known else 0.0
    if habit is None:
        return seconds * signs / active, by_before
    shown = habit.rate * active >= _EXPECTED
    expected = seconds * (min(habit.rate, signs / active) if shown else habit.rate)
    by_habit = expected if seconds >= _LONGER * habit.pause else 0.0
    return expected, min(by_habit, by_before) if seconds < _SHORT else by_habit


def _silence(component: str, host: str | None, quiet: _Quiet, to_the_end: bool, role: ClueRole) -> Clue:
    name = f"host {host}" if component == _HOST else f"{component}{on(host)}"
    process = (
        f"journalctl -u '*{component}*' and its stack (kill -USR2 of an OpenStack program, gdb or py-spy of others)"
    )
    asked = (
        (f"is {name} up (ping, ipmitool chassis status), and were its logs collected later than {quiet.since:%H:%M}?",)
        if component == _HOST
        else (
            f"systemctl status {component}: not running confirms it; running means that it hangs: then {process} shows on what",
        )
    )
    return Clue(
        kind="silence",
        key=f"{component}:{host}",
        component=component,
        host=host,
        type="service-down",
        role=role,
        weight=_TO_THE_END_WEIGHT if to_the_end else _WEIGHT,
        reporter=component,
        statement=f"{name} wrote nothing {_how_long(quiet, to_the_end)}, where it was to be heard of about "
        f"{quiet.expected:.0f} times, while other {'hosts' if component == _HOST else 'services'} went on",
        records=(quiet.record,),
        count=1,
        first=quiet.since,
        last=quiet.until,
        remediation=f"Check whether {name} is running; restart it and find out why it stopped.",
        look_next=asked,
    )


def _how_long(quiet: _Quiet, to_the_end: bool) -> str:
    after = f"after {quiet.since:%H:%M:%S}"
    return f"for {quiet.seconds:.0f} s {after}" + (", to the end of these logs" if to_the_end else "")
