"""Hosts that went down and booted again: what their kernel wrote last is the reason."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from openstack_rca.records import LONGEST_TIMER, Clue, ClueRole, Period

_BOOTING = (
    r"^(?:\[\s*[\d.]+\] ?)?(?:Linux version \d|Command line: |Kernel command line: |Booting Linux on )"
    r"|^Startup finished in .*\(kernel\)"
)
"""The kernel's first words (init/main.c), and systemd's last of a boot; its user managers finish without a kernel."""
_BOOT = timedelta(minutes=5)
"""Lines of a boot that come within this time are of one."""
_FIRST_WORDS = timedelta(seconds=5)
"""What a host writes so shortly before its kernel's first words is of the same boot: the daemons that log them."""
_DOWN = timedelta(seconds=20)
_PROGRAMS = 2
"""Of so many programs of a host the silence is that of the host."""
_LAST_WORDS = timedelta(minutes=2)
_WEIGHT, _WITH_REASON, _IN_ORDER = 0.7, 0.88, 0.5
_MOST = 5


class _Reason(NamedTuple):
    """Why a host went down: its words in the log, the type, and what to do."""

    words: re.Pattern[str]
    what: str
    type: str
    remedy: str


_REASONS = tuple(
    _Reason(re.compile(words), what, kind, remedy)
    for words, what, kind, remedy in (
        (
            r"Machine Check Exception|Processor context corrupt|[Ff]atal (?:local )?machine check|\[Hardware Error\].*[Ff]atal",
            "its hardware reported a fatal error (machine check)",
            "bug",
            "Move the servers away and have CPU, memory and board tested and replaced.",
        ),
        (
            r"critical temperature|temperature above threshold|thermal.*(?:shut|critical)",
            "it was too hot",
            "bug",
            "Repair the cooling before servers come back to it.",
        ),
        (
            r"Out of memory and no killable|panic_on_oom",
            "its memory was used up",
            "resource-exhaustion",
            "Give the host more memory, or fewer servers.",
        ),
        (
            r"(?:soft lockup|hard LOCKUP)|[Ww]atchdog.*(?:did not stop|timed? ?out|expired|lockup)",
            "its watchdog ended a kernel that hung",
            "bug",
            "Find what the kernel hung on (its stack before the reset); update it.",
        ),
        (
            r"Kernel panic|Oops: |kernel BUG at|unable to handle (?:kernel )?(?:NULL pointer|page fault|paging request)",
            "its kernel panicked",
            "bug",
            "Update the kernel; keep its dump (kdump) for who repairs it.",
        ),
        (
            r"[Pp]ower (?:loss|fail|[Ss]upply.*(?:fail|lost|fault))|AC (?:power )?(?:lost|off)|[Ll]ost (?:AC )?power",
            "its power failed",
            "service-down",
            "Repair the power supply.",
        ),
    )
)  # fmt: skip
_ORDERED = (
    r"Reached target .*(?:Reboot|Power.?Off|Shutdown|Final Step)|reboot: (?:Restarting system|Power down)"
    r"|System is (?:rebooting|powering down)|[Tt]he system will (?:reboot|power off)|Power key pressed"
)
"""systemd, systemd-logind, the kernel (kernel/reboot.c)."""


def reboots(table: pl.DataFrame, failing: Period | None = None) -> list[Clue]:
    """Return a clue for each time that a host was down and booted again: nobody on it wrote until its kernel's first words.

    It is context when failures set in long after it.
    """
    clues = []
    timed = table.drop_nulls(["host", "time"]).sort("time")
    for host, began, record in boots(table):
        own = timed.filter((pl.col("host") == host) & (pl.col("time") < began - _FIRST_WORDS))
        if own.is_empty():
            continue
        ended = own["time"][-1]
        why = _why(own, ended)
        if began - ended < _DOWN or (own["service"].n_unique() < _PROGRAMS and why is None):
            continue
        ordered = own.filter((pl.col("time") >= ended - _LAST_WORDS) & pl.col("message").str.contains(_ORDERED))[
            "record"
        ].head(1)
        over = failing is not None and (began + LONGEST_TIMER < failing[0] or ended > failing[1] + LONGEST_TIMER)
        clues.append(_reboot(host, (ended, began), record, why, ordered.to_list(), "context" if over else "cause"))
    return clues


def boots(table: pl.DataFrame) -> list[tuple[str, datetime, int]]:
    """Return host, time and record of the first words of each boot."""
    told = table.drop_nulls(["host", "time"]).filter(
        pl.col("service").cast(pl.String).is_in(["kernel", "systemd"]) & pl.col("message").str.contains(_BOOTING)
    )
    found: list[tuple[str, datetime, int]] = []
    for host in told["host"].unique(maintain_order=True).cast(pl.String):
        last: datetime | None = None
        rows = told.filter(pl.col("host") == host).sort("time", "record").select("time", "record")
        for time, record in rows.iter_rows():
            if last is None or time - last > _BOOT:
                found.append((host, time, record))
            last = time
    return found


def _why(own: pl.DataFrame, ended: datetime) -> tuple[_Reason, list[int]] | None:
    """Return the reason among the last words of a host's kernel, and the records that tell it."""
    last = own.filter((pl.col("service") == "kernel") & (pl.col("time") >= ended - _LAST_WORDS))
    told = [
        (reason, record)
        for record, text in last.select("record", "message").iter_rows()
        if (reason := next((r for r in _REASONS if r.words.search(text)), None))
    ]
    if not told:
        return None
    reason = told[-1][0]
    return reason, [record for r, record in told if r is reason][-_MOST:]


def _reboot(
    host: str,
    down: Period,
    boot: int,
    why: tuple[_Reason, list[int]] | None,
    ordered: list[int],
    role: ClueRole,
) -> Clue:
    ended, began = down
    if why:
        reason = f": {why[0].what}"
    else:
        reason = ", rebooted in order" if ordered else "; nothing in its logs says why"
    return Clue(
        kind="outage",
        key=f"{host}:{began:%Y-%m-%d %H:%M:%S}",
        finding="reboot",
        component="host",
        host=host,
        type=why[0].type if why else "service-down",
        role=role,
        weight=_WITH_REASON if why else _IN_ORDER if ordered else _WEIGHT,
        reporter="host",
        statement=f"host {host} was down from {ended:%H:%M:%S}, when the last of its programs wrote, to {began:%H:%M:%S}, when it "
        f"booted again{reason}",
        records=(*(why[1] if why else ordered), boot),
        count=1,
        first=ended,
        last=began,
        remediation=why[0].remedy
        if why
        else "Find out who rebooted it."
        if ordered
        else "Find out why it went down: power, management board, the console's last words.",
        look_next=(
            f"on {host}: last -x reboot shutdown | head; ipmitool sel list; journalctl -b -1 -e: why did it go down at {ended:%H:%M}?",
        ),
    )
