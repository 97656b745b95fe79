"""Features: lines per second over the lab's logs, repeated, with and without a baseline."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from openstack_rca.features import CATALOGUE, NAMES, Baseline, compute
from openstack_rca.features.view import View
from openstack_rca.parsing import LogParser
from openstack_rca.sources import PathSource
from openstack_rca.templates import DrainMiner

EXAMPLES = Path("examples/incidents")


def main(argv: Sequence[str] | None = None) -> None:
    """Print the speed of the matrix, and the features that take longest."""
    parser = argparse.ArgumentParser(prog="scripts/bench features", description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000, help="lines of the table; logs repeat up to it")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with the public data sets")
    options = parser.parse_args(argv)
    tables = [read([folder / "logs"]) for folder in sorted(EXAMPLES.iterdir()) if (folder / "logs").is_dir()]
    speed("lab, INFO", tables, options.lines)
    if (options.data / "fault-injection").is_dir():
        folders = sorted(p for p in (options.data / "fault-injection").iterdir() if (p / "logs").is_dir())[:4]
        speed("fault injection, DEBUG", [read([folder / "logs"]) for folder in folders], options.lines)
    else:
        print(f"No {options.data / 'fault-injection'}: the speed over DEBUG logs is not measured.")


def read(paths: Sequence[Path]) -> pl.DataFrame:
    """Return the log table of some paths."""
    return LogParser().parse(PathSource(paths).files()).table


def speed(name: str, tables: Sequence[pl.DataFrame], lines: int) -> None:
    """Print lines per second of wall clock for one kind of log."""
    mined = DrainMiner().assign(pl.concat(tables))
    copies = 0
    parts: list[pl.DataFrame] = []
    while sum(int(part["lines"].sum()) for part in parts) < lines:
        parts.append(mined.with_columns(pl.col("time") + pl.duration(hours=copies)))
        copies += 1
    table = pl.concat(parts).with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("record"))
    physical = int(table["lines"].sum())
    baseline = Baseline.of(mined)
    for label, given in (("with baseline", baseline), ("without", None)):
        began = time.perf_counter()
        compute(table, given)
        seconds = time.perf_counter() - began
        print(
            f"{name}, {label}: {len(NAMES)} features of {physical:,} lines ({len(table):,} records): "
            f"{physical / seconds:,.0f} lines/s, {len(table) / seconds:,.0f} records/s"
        )
    view, slow = View(table, baseline), []
    for feature in CATALOGUE:
        began = time.perf_counter()
        feature.compute(view)
        slow.append((time.perf_counter() - began, feature.name))
    print("  longest: " + ", ".join(f"{feature} {1000 * s:.0f} ms" for s, feature in sorted(slow, reverse=True)[:5]))


if __name__ == "__main__":
    main()
