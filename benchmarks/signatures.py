"""Signatures: loading, and matching a million records, healthy ones and failing ones."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from openstack_rca.parsing import LogParser
from openstack_rca.signatures import Matcher, load_signatures
from openstack_rca.sources import PathSource

INCIDENTS = Path(__file__).parents[1] / "examples" / "incidents"
CASES = {"healthy": ("baseline-1",), "RabbitMQ stopped": ("rabbitmq-stopped",), "all incidents": ("",)}


def main(argv: Sequence[str] | None = None) -> None:
    """Print CPU and wall seconds for loading, and for matching each set of logs repeated to that many records."""
    parser = argparse.ArgumentParser(prog="scripts/bench signatures", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    options = parser.parse_args(argv)
    start = time.process_time()
    signatures = load_signatures()
    print(f"load {len(signatures)} signatures: {time.process_time() - start:.2f} s CPU")
    for name, folders in CASES.items():
        table = repeated([INCIDENTS / folder for folder in folders], options.records)
        start, wall = time.process_time(), time.perf_counter()
        hits = Matcher(signatures).match(table)
        cpu, wall = time.process_time() - start, time.perf_counter() - wall
        print(f"{name}: {table.height:,} records, {len(hits)} hits, {cpu:.2f} s CPU, {wall:.2f} s")


def repeated(paths: Sequence[Path], records: int) -> pl.DataFrame:
    """Return logs repeated up to a number of records, each with its number behind it: nothing is saved by repeats."""
    table = LogParser().parse(PathSource(paths).files()).table
    many = pl.concat([table] * max(1, records // table.height)).with_row_index("number")
    return many.with_columns(
        pl.col("number").alias("record"), message=pl.concat_str("message", "number", separator=" ", ignore_nulls=True)
    ).drop("number")


if __name__ == "__main__":
    main()
