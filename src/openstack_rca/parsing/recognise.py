"""Text to rows: every line of a batch gets its format and the columns that the format captures."""

import gc
import re
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import compress

import polars as pl

from openstack_rca.parsing import json_lines
from openstack_rca.parsing.envelopes import merged
from openstack_rca.parsing.formats import Continuation, Format, detector
from openstack_rca.parsing.rows import LEVEL_WORDS, ROW_SCHEMA, goes_on
from openstack_rca.parsing.times import to_time


class Recogniser:
    """Finds the format of every line: the commonest first, over whole texts, then for the rest the first that fits.

    What it says of a line depends on nothing but the line, save for the formats of last resort: they count in a file
    where they recognise at least half of the lines that no other format does.
    """

    def __init__(self, formats: Sequence[Format], inner: bool = False) -> None:
        here = [fmt for fmt in formats if ("inner" if inner else "line") in fmt.place]
        self._commonest = here[0]
        self._others = [fmt for fmt in here[1:] if not fmt.last_resort]
        self._last_resort = [fmt for fmt in here if fmt.last_resort]
        self._detector = detector(self._others)
        self._last_detector = detector(self._last_resort)
        self._contents = self if inner else Recogniser(formats, inner=True)

    def rows(self, text: str, files: pl.Series) -> pl.DataFrame:
        """Return one row with `ROW_SCHEMA` for every line of the text, whose lines all end in a newline.

        `files` has the number of the file for each line.
        """
        with _no_collection():
            frames = list(self._frames(text, files))
        table = frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal").sort("row")
        absent = [pl.lit(None, dtype).alias(name) for name, dtype in ROW_SCHEMA.items() if name not in table.columns]
        return table.with_columns(absent).with_columns(file=files).select(*ROW_SCHEMA)

    def _frames(self, text: str, files: pl.Series) -> Iterator[pl.DataFrame]:
        columns = list(zip(*self._commonest.finder.findall(text), strict=True))
        matched = [bool(value) for value in columns[self._commonest.mark]]
        everything = range(len(matched))
        if all(matched):
            yield self._typed(self._commonest, columns[:-1], everything, files)
            return
        if any(matched):
            taken = [list(compress(column, matched)) for column in columns[:-1]]
            yield self._typed(self._commonest, taken, list(compress(everything, matched)), files)
        others = [not m for m in matched]
        lines, numbers = list(compress(columns[-1], others)), list(compress(everything, others))
        del columns, matched, others
        lines, numbers = yield from self._by_detector(self._others, self._detector, lines, numbers, files)
        if self._last_resort and lines:
            lines, numbers = yield from self._by_last_resort(lines, numbers, files)
        if lines:
            yield pl.DataFrame({"row": numbers, "message": lines}, schema={"row": pl.UInt32, "message": pl.String})

    def _by_detector(
        self,
        formats: Sequence[Format],
        pattern: re.Pattern[str],
        lines: list[str],
        numbers: list[int],
        files: pl.Series,
    ) -> Generator[pl.DataFrame, None, tuple[list[str], list[int]]]:
        """Yield the rows of each format; return the lines and the numbers of those that have none."""
        kinds = [match.lastindex for match in pattern.finditer("\n".join([*lines, ""]))]
        found: dict[int, list[int]] = defaultdict(list)
        for position, kind in enumerate(kinds):
            found[kind or 0].append(position)
        left = found.pop(0, [])
        for kind, positions in sorted(found.items()):
            fmt = formats[kind - 1]
            text = "\n".join([*(lines[position] for position in positions), ""])
            columns = list(zip(*fmt.finder.findall(text), strict=True))
            yield self._typed(fmt, columns[:-1], [numbers[position] for position in positions], files)
        return [lines[position] for position in left], [numbers[position] for position in left]

    def _by_last_resort(
        self, lines: list[str], numbers: list[int], files: pl.Series
    ) -> Generator[pl.DataFrame, None, tuple[list[str], list[int]]]:
        kinds = [m.lastindex for m in self._last_detector.finditer("\n".join([*lines, ""]))]
        in_file = files.gather(numbers).to_list()
        heads = Counter(f for f, line in zip(in_file, lines, strict=True) if line and line[0] not in " \t")
        hits = Counter(f for f, kind in zip(in_file, kinds, strict=True) if kind)
        accepted = [hits[f] > 0 and hits[f] * 2 >= heads[f] for f in in_file]
        others = [not a for a in accepted]
        left, left_numbers = yield from self._by_detector(
            self._last_resort,
            self._last_detector,
            list(compress(lines, accepted)),
            list(compress(numbers, accepted)),
            files,
        )
        return [*compress(lines, others), *left], [*compress(numbers, others), *left_numbers]

    def _typed(
        self, fmt: Format, columns: Iterable[Sequence[str]], numbers: Sequence[int], files: pl.Series
    ) -> pl.DataFrame:
        captured = _captured(fmt, columns)
        row = pl.Series("row", numbers, pl.UInt32)
        join = fmt.continuation
        table = pl.DataFrame([row, files.gather(row).alias("file"), *captured.values()])
        table = table.with_columns(pl.col(pl.String).replace("", None)).with_columns(
            pl.lit(None, pl.String).alias(name) for name in join.same if name not in captured
        )
        table = table.with_columns(
            _level(fmt, "level" in captured),
            format=pl.lit(fmt.id),
            key=pl.struct("file", *join.same).hash() if join.same else pl.lit(None, pl.UInt64),
            adopts=pl.lit(join.plain),
            service=pl.lit(fmt.service, pl.String),
        )
        table = to_time(table, fmt.times, fmt.zone)
        if fmt.inner:
            text = "\n".join([*table["message"].fill_null(""), ""])
            return merged(table, self._contents.rows(text, table["file"]))
        return table.with_columns(opens=_opens(join))


def _captured(fmt: Format, columns: Iterable[Sequence[str]]) -> dict[str, pl.Series]:
    captured: dict[str, pl.Series] = {}
    for group, values in zip(fmt.groups, columns, strict=True):
        name = group.rstrip("2")
        series = pl.Series(name, values, pl.String)
        if name in captured:
            series = series.zip_with(series != "", captured[name])
        captured[name] = series
    captured.pop("mark", None)
    return json_lines.columns(captured["message"], fmt.fields) if fmt.fields else captured


def _opens(join: Continuation) -> pl.Expr:
    opens = pl.lit(None if join.weak else not join.same, pl.Boolean)
    if join.unless:
        opens = opens | pl.col(join.unless).is_not_null()
    if join.levels:
        opens = opens | ~pl.col("level").is_in(sorted(join.levels))
    return opens | ~goes_on() if join.indented else opens


def _level(fmt: Format, captured: bool) -> pl.Expr:
    dtype = ROW_SCHEMA["level"]
    if not captured:
        return pl.lit(None, dtype).alias("level")
    words = {**LEVEL_WORDS, **fmt.levels}
    return pl.col("level").replace_strict(list(words), list(words.values()), default=None, return_dtype=dtype)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hold the garbage collector: it would walk again and again over hundreds of thousands of tuples that all live."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
