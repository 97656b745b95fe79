import pytest
from tests.correlation.tables import at, log_table

from openstack_rca.correlation import reboots
from openstack_rca.records import Clue, Period

Row = dict[str, object]
BOOT = "[    0.000000] Linux version 5.15.0-88-generic (buildd@lcy02-amd64-058) #98-Ubuntu SMP"
MCE = "[813908.4] mce: [Hardware Error]: CPU 12: Machine Check Exception: 5 Bank 7: be00000000010090"


def line(seconds: float, service: str = "nova-compute", message: str = "working", host: str = "node08") -> Row:
    return {"service": service, "host": host, "message": message, "at": seconds}


BEFORE = [*(line(t) for t in range(0, 95, 5)), *(line(t, "systemd", "Starting fstrim") for t in range(0, 95, 30))]
AFTER = [line(t) for t in range(420, 500, 5)]


def found(*rows: Row, failing: Period | None = None) -> list[Clue]:
    others = [line(t, "nova-api", "GET", "ctl1") for t in range(0, 500, 5)]
    return reboots(log_table(*others, *BEFORE, *rows, *AFTER), failing)


def test_a_host_on_which_nobody_wrote_until_its_kernel_began_was_down() -> None:
    (clue,) = found(line(400, "kernel", BOOT), line(401, "kernel", "Command line: quiet"))
    assert (clue.component, clue.host, clue.type, clue.role) == ("host", "node08", "service-down", "cause")
    assert (clue.first, clue.last) == (at(90), at(400))
    assert "host node08 was down from 08:01:30" in clue.statement
    assert "to 08:06:40, when it booted again" in clue.statement


@pytest.mark.parametrize(
    ("words", "kind", "reason"),
    [
        (MCE, "bug", "machine check"),
        ("Kernel panic - not syncing: Fatal exception in interrupt", "bug", "panicked"),
        ("thermal thermal_zone0: acpitz: critical temperature reached, shutting down", "bug", "hot"),
        ("Out of memory and no killable processes...", "resource-exhaustion", "memory"),
        ("watchdog: BUG: soft lockup - CPU#3 stuck for 22s!", "bug", "watchdog"),
        ("hwmon: Power supply 2 failure detected", "service-down", "power failed"),
    ],
)
def test_what_its_kernel_wrote_last_is_the_reason(words: str, kind: str, reason: str) -> None:
    last = line(92, "kernel", words)
    (clue,) = found(last, line(400, "kernel", BOOT))
    assert (clue.type, clue.first) == (kind, at(92))
    assert reason in clue.statement
    bare = found(line(400, "kernel", BOOT))[0]
    assert (len(clue.records), clue.weight > bare.weight) == (2, True)


def test_the_last_of_several_reasons_counts() -> None:
    early = line(20, "kernel", "usb 1-1: Power loss")
    (clue,) = found(
        early,
        line(92, "kernel", MCE),
        line(92, "kernel", "Machine check: Processor context corrupt"),
        line(400, "kernel", BOOT),
    )
    assert "machine check" in clue.statement
    assert len(clue.records) == 3


def test_who_was_rebooted_in_order_was_rebooted_by_somebody() -> None:
    (clue,) = found(line(93, "systemd", "Reached target System Reboot."), line(130, "kernel", BOOT))
    assert "rebooted in order" in clue.statement
    assert "who rebooted it" in clue.remediation


@pytest.mark.parametrize(
    "rows",
    [
        [line(400, "systemd", "Startup finished in 52ms.")],
        [line(400, "qemu", "Linux version 5.15.0 of a guest")],
        [*(line(t) for t in range(95, 400, 5)), line(400, "kernel", BOOT)],
        [line(400, "kernel", BOOT, host="node09")],
    ],
    ids=["a user's systemd", "a guest's console", "others on it went on", "nobody is known of it"],
)
def test_no_reboot_is_told_where_the_host_was_not_down(rows: list[Row]) -> None:
    assert found(*rows) == []


def test_a_boot_long_before_the_failures_is_context() -> None:
    assert found(line(400, "kernel", BOOT), failing=(at(300), at(500)))[0].role == "cause"
    assert found(line(400, "kernel", BOOT), failing=(at(900), at(950)))[0].role == "context"
