"""Finds all signatures in a log table in one pass: literal prefilter first, regular expressions on what is left."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import polars as pl

from openstack_rca.records import SignatureHit
from openstack_rca.signatures.schema import Signature

KEPT_RECORDS = 20
"""How many records a hit names; its count goes on."""

PLACES = (
    "peer", "port", "url", "host", "binary", "topic", "agent", "service",
    "unit", "device", "filter", "rc", "quota", "policy", "bridge", "physnet", "backend",
)  # fmt: skip
"""Captured groups that tell hits apart: one unreachable peer is another finding than the next. Ids of single servers,
volumes or ports do not, else a failed batch would give a hit for each of its servers."""

Column = Literal["message", "detail"]
_FOUND = {"text": pl.UInt32, "signature": pl.UInt32, "place": pl.String, "captured": pl.UInt32}


class Matcher:
    """Holds signatures and finds them in log tables; implements `contracts.SignatureMatcher`."""

    def __init__(self, signatures: Iterable[Signature]) -> None:
        self._signatures = tuple(signatures)

    def match(self, table: pl.DataFrame) -> list[SignatureHit]:
        """Return one hit per signature, service, host and named place (peer, port, agent, filter …), earliest first."""
        captures: list[Mapping[str, str]] = []
        found = [self._search(table, "message", captures), self._search(table, "detail", captures)]
        hits = (
            pl.concat(found)
            .group_by("signature", "service", "host", "place")
            .agg(
                pl.col("captured").sort_by("record").first(),
                pl.col("record").unique().sort().head(KEPT_RECORDS).alias("records"),
                pl.col("record").n_unique().alias("count"),
            )
            .sort(pl.col("records").list.first(), "signature", "place")
        )
        return [
            SignatureHit(
                signature=self._signatures[row["signature"]].id,
                service=row["service"] or "unknown",
                host=row["host"],
                records=tuple(row["records"]),
                count=row["count"],
                captured=captures[row["captured"]],
            )
            for row in hits.iter_rows(named=True)
        ]

    def _search(self, table: pl.DataFrame, column: Column, captures: list[Mapping[str, str]]) -> pl.DataFrame:
        """Return record, service, host, signature number, place and capture number of everything found in a column."""
        wanted = [n for n, s in enumerate(self._signatures) if s.where in (column, "any")]
        by_needle = self._needles(wanted)
        lines = table.select(
            "record",
            pl.col("service").cast(pl.String),
            pl.col("host").cast(pl.String),
            pl.col("level").cast(pl.String),
            pl.col(column).alias("line"),
        ).filter(pl.col("line").str.contains_any(list(by_needle), ascii_case_insensitive=True))
        texts = (
            lines.select("service", "level", "line")
            .unique(maintain_order=True)
            .with_row_index("text")
            .with_columns(
                pl.col("line")
                .str.extract_many(list(by_needle), ascii_case_insensitive=True, overlapping=True)
                .alias("needles")
            )
        )
        found: list[tuple[int, int, str, int]] = []
        for text, service, level, line, needles in texts.iter_rows():
            for number in sorted({n for needle in set(needles) for n in by_needle[needle.lower()]}):
                captured = _captured(self._signatures[number], service, level, line)
                if captured is not None:
                    found.append((text, number, _place(captured), len(captures)))
                    captures.append(captured)
        return (
            lines.join(
                texts.select("text", "service", "level", "line"), on=["service", "level", "line"], nulls_equal=True
            )
            .join(pl.DataFrame(found, schema=_FOUND, orient="row"), on="text")
            .select("record", "service", "host", "signature", "place", "captured")
        )

    def _needles(self, wanted: Sequence[int]) -> dict[str, list[int]]:
        """Return for each literal the numbers of the signatures that it can belong to."""
        by_needle: dict[str, list[int]] = defaultdict(list)
        for number in wanted:
            for needle in self._signatures[number].needles:
                by_needle[needle].append(number)
        return by_needle


def _captured(signature: Signature, service: str | None, level: str, line: str) -> dict[str, str] | None:
    """Return the named groups of a match, or None when program, level or pattern do not fit."""
    if level not in signature.levels or not signature.written_by(service):
        return None
    match = signature.regex.search(line)
    return None if match is None else {k: v for k, v in match.groupdict().items() if v is not None}


def _place(captured: Mapping[str, str]) -> str:
    return "|".join(f"{name}={captured[name]}" for name in PLACES if name in captured)
