"""Raw files to the log table, file by file; what only the whole run can tell is filled in at the end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from openstack_rca.contracts import RawFile
from openstack_rca.parsing import fields, naming, times
from openstack_rca.parsing.blocks import MAX_LINE_BYTES, Reading
from openstack_rca.parsing.formats import load_formats
from openstack_rca.parsing.joining import Joiner
from openstack_rca.parsing.recognise import Recogniser
from openstack_rca.records import LOG_SCHEMA, FileSummary, Logs, Skipped, empty_log_table


class LogParser:
    """Reads log files of any known format into one log table.

    `timezone` (an IANA name or "+HH:MM") holds for times that carry no zone; `now` bounds the years that formats
    leave out, where neither other files nor the file's own date tell them.
    """

    def __init__(self, timezone: str = "UTC", now: datetime | None = None) -> None:
        self._clock = times.Clock(timezone, now or datetime.now(UTC))
        self._formats = load_formats()

    def parse(self, files: Iterable[RawFile]) -> Logs:
        """Return the records of all files as one table with `LOG_SCHEMA`, and the account of each file."""
        read = [self._read(file) for file in files]
        self._clock.fill_years(read)
        _fill_hosts(read)
        tables = [self._typed(file) for file in read]
        table = pl.concat(tables) if tables else empty_log_table()
        table = table.with_columns(record=pl.int_range(pl.len(), dtype=pl.UInt32))
        return Logs(
            table,
            tuple(file.summary(one) for file, one in zip(read, tables, strict=True)),
            tuple(skipped for file in read for skipped in file.skipped()),
        )

    def _read(self, file: RawFile) -> "ParsedFile":
        reading, joiner, recogniser = Reading(file), Joiner(), Recogniser(self._formats)
        parts, lines = [], 0
        for text in reading.blocks():
            rows = recogniser.rows(text, lines + 1)
            lines += rows.height
            parts.append(fields.finish(joiner.add(rows)))
        parts.append(fields.finish(joiner.finish()))
        table = naming.with_services(pl.concat(parts), naming.place_of(file.name))
        return ParsedFile(file, table, reading, lines, joiner.orphans)

    def _typed(self, file: "ParsedFile") -> pl.DataFrame:
        table = self._clock.to_utc(file.table)
        table = table.with_columns(record=pl.lit(0), file=pl.lit(file.raw.name), template=pl.lit(None))
        return table.select(pl.col(name).cast(dtype) for name, dtype in LOG_SCHEMA.items())


@dataclass
class ParsedFile:
    """One file while the run goes on: its records, and the account of its reading."""

    raw: RawFile
    table: pl.DataFrame
    reading: Reading
    lines: int
    orphans: int

    def skipped(self) -> Iterable[Skipped]:
        """Yield what did not become a record, and why."""
        if self.orphans:
            reason = "unrecognised line" if self.table.height else "no known log format"
            yield Skipped(self.raw.name, reason, self.orphans)
        if self.reading.cut_lines:
            reason = f"{self.reading.cut_lines} lines cut at {MAX_LINE_BYTES >> 20} MiB"
            yield Skipped(self.raw.name, reason)
        if self.reading.broken:
            yield Skipped(self.raw.name, self.reading.broken)

    def summary(self, table: pl.DataFrame) -> FileSummary:
        """Return the account of the file, given its part of the log table."""
        formats = dict(table.group_by("format").agg(pl.col("lines").sum()).sort("format").iter_rows())
        zone = ", ".join(sorted(table["zone"].drop_nulls().unique())) or None
        return FileSummary(self.raw.name, self.lines, table.height, formats, zone, self.reading.bytes)


def _fill_hosts(files: list[ParsedFile]) -> None:
    """Give each file whose lines do not say it the host of its path, of its own messages, or of its name's end."""
    places = [naming.place_of(file.raw.name) for file in files]
    hosts = [
        place.host or naming.own_host(file.table, place.service) for file, place in zip(files, places, strict=True)
    ]
    if any(place.trailing and not host for place, host in zip(places, hosts, strict=True)):
        named = {host for host in hosts if host}.union(*(naming.named_hosts(file.table["message"]) for file in files))
        hosts = [
            host or (naming.complete_host(place.trailing, named) if place.trailing else None)
            for place, host in zip(places, hosts, strict=True)
        ]
    for file, host in zip(files, hosts, strict=True):
        file.table = file.table.with_columns(host=pl.coalesce("host", pl.lit(host, pl.String)))
