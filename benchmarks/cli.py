"""The command line: seconds until `--help` stands there, and records a second in each form of `logs`."""

import io
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openstack_rca.cli.log_lines import FORMS
from openstack_rca.records import LOG_SCHEMA

RECORDS = 200_000
RICH_RECORDS = 2_000


def table(records: int) -> pl.DataFrame:
    """Return a log table of that many alike records."""
    start = datetime(2026, 11, 22)
    return pl.DataFrame(
        {
            "time": [start + timedelta(milliseconds=n) for n in range(records)],
            "service": "nova-compute",
            "host": "compute-1",
            "level": "ERROR",
            "request_id": "req-46f2426e-ac74-4def-b866-52a009d718b9",
            "message": "Failed to schedule instances: Timed out waiting for a reply to message ID 6d9c4d1d5a3c4e8b",
        }
    ).select(
        (pl.col(name) if name in ("time", "service", "host", "level", "request_id", "message") else pl.lit(None))
        .cast(kind)
        .alias(name)
        for name, kind in LOG_SCHEMA.items()
    )


def rich_table(logs: pl.DataFrame) -> None:
    """Draw the same records as a table of rich, which sees all rows before it draws the first."""
    drawn = Table(box=None)
    for name in ("time", "service", "host", "level", "request_id", "message"):
        drawn.add_column(name)
    for row in logs.select("time", "service", "host", "level", "request_id", "message").iter_rows():
        drawn.add_row(*(Text(str(cell)) for cell in row))
    Console(file=io.StringIO(), width=120).print(drawn)


def main() -> None:
    """Print all figures."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "openstack_rca.cli", "--help"], capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    print(f"--help   {min(times):.2f} s")
    os.environ["COLUMNS"] = "120"
    logs = table(RECORDS)
    for name, draw in FORMS.items():
        start = time.perf_counter()
        for _ in draw(logs):
            pass
        print(f"{name:<8} {RECORDS / (time.perf_counter() - start):>9,.0f} records/s")
    start = time.perf_counter()
    rich_table(logs.head(RICH_RECORDS))
    print(f"rich     {RICH_RECORDS / (time.perf_counter() - start):>9,.0f} records/s")


if __name__ == "__main__":
    main()
