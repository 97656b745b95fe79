"""Raw files to the log table: batches of lines first, then what only a whole file or the whole run can tell."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import numpy as np
import polars as pl

from openstack_rca.contracts import RawFile
from openstack_rca.parsing import fields, naming, samples
from openstack_rca.parsing.blocks import BLOCK_BYTES, MAX_LINE_BYTES, Reading
from openstack_rca.parsing.formats import load_formats
from openstack_rca.parsing.joining import Joiner
from openstack_rca.parsing.recognise import Recogniser
from openstack_rca.parsing.times import Clock
from openstack_rca.records import LOG_SCHEMA, FileSummary, Logs, Skipped


class LogParser:
    """Reads log files of any known format into one log table.

    `timezone` (an IANA name or "+HH:MM") holds for times that carry no zone; `now` bounds the years that formats
    leave out, where neither other files nor the file's own date tell them. Raises UsageError for an unknown zone and
    KnowledgeError when a format contradicts its own samples.
    """

    def __init__(self, timezone: str = "UTC", now: datetime | None = None) -> None:
        self._clock = Clock(timezone, now or datetime.now(UTC))
        formats = load_formats()
        self._recogniser = Recogniser(formats)
        samples.check_once(formats, lambda files: _parse(files, self._recogniser, Clock("UTC", samples.NOW)))

    def parse(self, files: Iterable[RawFile]) -> Logs:
        """Return the records of all files as one table with `LOG_SCHEMA`, and the account of each file."""
        return _parse(files, self._recogniser, self._clock)


def _parse(files: Iterable[RawFile], recogniser: Recogniser, clock: Clock) -> Logs:
    readings: list[Reading] = []
    joiner = Joiner()
    parts = [fields.finish(joiner.add(rows)) for rows in _rows(files, recogniser, readings)]
    table = pl.concat([*parts, fields.finish(joiner.finish())])
    names = [reading.file.name for reading in readings]
    places = [naming.place_of(name) for name in names]
    table = naming.with_hosts(naming.with_services(table, places), places)
    table = clock.with_years(table, names, [reading.file.modified for reading in readings])
    table = _typed(clock.to_utc(table), readings)
    return Logs(table, _summaries(table, readings), tuple(_skipped(table, readings, joiner.orphans)))


def _rows(files: Iterable[RawFile], recogniser: Recogniser, readings: list[Reading]) -> Iterator[pl.DataFrame]:
    """Yield the rows of a batch of text at a time, small files together; their numbers run through all files."""
    first = 0
    for batch in _batches(files, readings):
        counts = [text.count("\n") for _, text in batch]
        starts = np.cumsum([first, *counts])
        for (number, _), start, count in zip(batch, starts, counts, strict=False):
            if not readings[number].lines:
                readings[number].first_row = int(start)
            readings[number].lines += count
        of_line = pl.Series("file", np.repeat([number for number, _ in batch], counts), pl.UInt32)
        rows = recogniser.rows("".join(text for _, text in batch), of_line)
        yield rows.with_columns(pl.col("row") + pl.lit(first, pl.UInt32))
        first = int(starts[-1])


def _batches(files: Iterable[RawFile], readings: list[Reading]) -> Iterator[list[tuple[int, str]]]:
    """Yield pieces of text with the number of their file, about as much at a time as a block has."""
    batch: list[tuple[int, str]] = []
    size = 0
    for number, file in enumerate(files):
        readings.append(Reading(file))
        for text in readings[-1].blocks():
            batch.append((number, text))
            size += len(text)
            if size >= BLOCK_BYTES:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _typed(table: pl.DataFrame, readings: list[Reading]) -> pl.DataFrame:
    names = pl.Series([reading.file.name for reading in readings], dtype=pl.String).cast(LOG_SCHEMA["file"])
    starts = pl.Series([reading.first_row for reading in readings], dtype=pl.UInt32)
    table = table.with_columns(
        record=pl.int_range(pl.len()),
        file=names.gather(table["file"]),
        line=table["row"] - starts.gather(table["file"]) + 1,
        template=pl.lit(None),
    )
    return table.select(pl.col(name).cast(dtype) for name, dtype in LOG_SCHEMA.items())


def _summaries(table: pl.DataFrame, readings: list[Reading]) -> tuple[FileSummary, ...]:
    formats: dict[str, dict[str, int]] = defaultdict(dict)
    for name, fmt, lines in (
        table.group_by("file", "format").agg(pl.col("lines").sum()).sort("file", "format").iter_rows()
    ):
        formats[name][fmt] = lines
    zones: dict[str, list[str]] = defaultdict(list)
    for name, zone in (
        table.select(pl.col("file", "zone").cast(pl.String)).unique().drop_nulls().sort("zone").iter_rows()
    ):
        zones[name].append(zone)
    records = dict(table["file"].value_counts().iter_rows())
    return tuple(
        FileSummary(
            name, reading.lines, records.get(name, 0), formats[name], ", ".join(zones[name]) or None, reading.size
        )
        for reading in readings
        for name in [reading.file.name]
    )


def _skipped(table: pl.DataFrame, readings: list[Reading], orphans: Mapping[int, int]) -> Iterator[Skipped]:
    with_records = set(table["file"].unique())
    for number, reading in enumerate(readings):
        name = reading.file.name
        if orphans.get(number):
            reason = "unrecognised line" if name in with_records else "no known log format"
            yield Skipped(name, reason, orphans[number])
        if reading.cut_lines:
            yield Skipped(name, f"lines cut at {MAX_LINE_BYTES >> 20} MiB: {reading.cut_lines}")
        if reading.broken:
            yield Skipped(name, reading.broken)
