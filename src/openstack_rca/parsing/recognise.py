"""Text to rows: every line of a block gets its format and the columns that the format captures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress

import polars as pl

from openstack_rca.parsing.formats import COLUMNS, Format
from openstack_rca.parsing.times import to_time
from openstack_rca.records import LEVELS

LAST_RESORT = 9
"""Formats of this rank are tried only where no other recognises most of the lines."""
SAMPLE_LINES = 2000

ROW_SCHEMA: dict[str, pl.DataType] = {
    "line": pl.UInt32(),
    "format": pl.String(),
    "opens": pl.Boolean(),  # false: may belong to an earlier record; null: a line without header
    "key": pl.UInt64(),  # what the lines of one record have in common
    "adopts": pl.Boolean(),  # whether lines without header belong to it
    **{name: pl.String() for name in COLUMNS if name != "time"},
    "time": pl.Datetime("us"),  # as written, or UTC where the zone is known
    "zone": pl.String(),  # "UTC", "+02:00", or "assumed"
    "yearless": pl.Boolean(),
    "level": pl.Enum(LEVELS),
    "service": pl.String(),
}
"""Columns of the rows, one row for each line."""

_WORDS = {
    "DEBUG": "DEBUG debug Debug dbg DBG D trace fine FINE verbose",
    "INFO": "INFO info Info inf INF I AUDIT audit NOTE Note note NOTICE notice Notice System",
    "WARNING": "WARNING warning Warning WARN warn Warn WRN W wrn",
    "ERROR": "ERROR error Error ERR err E TRACE SEC alert-less",
    "CRITICAL": "CRITICAL critical CRIT crit C FATAL fatal Fatal EMER emerg EMERG alert ALERT panic PANIC F emergency",
}
LEVEL_WORDS = {word: level for level, words in _WORDS.items() for word in words.split()}


@dataclass
class Recogniser:
    """Recognises the lines of one file; it remembers which formats the file has shown."""

    formats: Sequence[Format]
    place: str = "line"
    _seen: list[Format] = field(default_factory=list)
    _inner: "Recogniser | None" = None

    def rows(self, text: str, first_line: int) -> pl.DataFrame:
        """Return one row with `ROW_SCHEMA` for every line of the text, in order; every line ends in a newline."""
        count = text.count("\n")
        frames, rest, numbers = [], text, range(count)
        for attempt in ("seen", "new", "last resort"):
            formats = self._seen if attempt == "seen" else self._newly_seen(rest, attempt == "last resort")
            for fmt in formats:
                frame, rest, numbers = self._take(fmt, rest, numbers)
                if frame is not None:
                    frames.append(frame)
                if not rest:
                    break
            if not rest:
                break
        if rest:
            frames.append(pl.DataFrame({"line": numbers, "message": rest.split("\n")[:-1]}, schema_overrides={"line": pl.UInt32}))
        table = frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal").sort("line")
        missing = [pl.lit(None, dtype).alias(name) for name, dtype in ROW_SCHEMA.items() if name not in table.columns]
        return table.with_columns(pl.col("line") + pl.lit(first_line, pl.UInt32), *missing).select(*ROW_SCHEMA)

    def _newly_seen(self, text: str, last_resort: bool) -> list[Format]:
        lines = [line for line in text.split("\n") if line.strip() and line[0] not in " \t"]
        sample = lines[:: 1 + len(lines) // SAMPLE_LINES]
        if not sample:
            return []
        joined = "\n".join(sample) + "\n"
        needed = len(sample) / 2 if last_resort else 1
        new = [
            fmt
            for fmt in self.formats
            if self.place in fmt.place and fmt not in self._seen and (fmt.rank >= LAST_RESORT) == last_resort
            and _hits(fmt, joined) >= needed
        ]
        self._seen = sorted([*self._seen, *new], key=lambda f: (f.rank, f.id))
        return new

    def _take(
        self, fmt: Format, text: str, numbers: Sequence[int]
    ) -> tuple[pl.DataFrame | None, str, Sequence[int]]:
        """Return the rows of one format, and the text and numbers of the lines that are left."""
        columns = list(zip(*fmt.finder.findall(text), strict=True))
        matched = [bool(value) for value in columns[0]]
        if all(matched):
            return self._typed(fmt, columns[:-1], numbers), "", ()
        others = [not m for m in matched]
        rest = "\n".join(compress(columns[-1], others)) + "\n"
        rest_numbers = list(compress(numbers, others))
        if not any(matched):
            return None, rest, rest_numbers
        taken = [list(compress(column, matched)) for column in columns[:-1]]
        return self._typed(fmt, taken, list(compress(numbers, matched))), rest, rest_numbers

    def _typed(self, fmt: Format, columns: Iterable[Sequence[str]], numbers: Sequence[int]) -> pl.DataFrame:
        raw: dict[str, pl.Series] = {"line": pl.Series("line", numbers, pl.UInt32)}
        for name, values in zip(fmt.groups, columns, strict=True):
            series = pl.Series(name, values, pl.String)
            if name[-1] == "2":
                name = name[:-1]
                series = series.set(series == "", raw[name]).alias(name) if name in raw else series
            raw[name] = series
        table = pl.DataFrame(list(raw.values())).with_columns(pl.col(pl.String).replace("", None))
        join = fmt.continuation
        key = pl.struct(*join.same).hash() if join.same else pl.lit(None, pl.UInt64)
        opens = pl.lit(not join.same)
        if join.unless:
            opens = opens | pl.col(join.unless).is_not_null()
        if join.levels:
            opens = opens | ~pl.col("level").is_in(sorted(join.levels))
        table = table.with_columns(
            format=pl.lit(fmt.id), key=key, opens=opens, adopts=pl.lit(join.plain), service=pl.lit(fmt.service, pl.String)
        )
        table = to_time(table, fmt.times, fmt.zone).with_columns(_level(fmt, "level" in fmt.groups))
        return self._with_inner(table) if fmt.inner else table

    def _with_inner(self, outer: pl.DataFrame) -> pl.DataFrame:
        raise NotImplementedError


def _hits(fmt: Format, text: str) -> int:
    return sum(1 for row in fmt.finder.findall(text) if row[0])


def _level(fmt: Format, captured: bool) -> pl.Expr:
    if not captured:
        return pl.lit(None, ROW_SCHEMA["level"]).alias("level")
    words = {**LEVEL_WORDS, **fmt.levels}
    return pl.col("level").replace_strict(
        list(words), list(words.values()), default=None, return_dtype=pl.Enum(LEVELS)
    )
