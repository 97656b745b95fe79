"""Finds all signatures in a log table together: literal prefilter first, regular expressions on what is left."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from openstack_rca.records import SignatureHit
from openstack_rca.signatures.schema import Signature

KEPT_RECORDS = 20
"""How many records a hit names; its count goes on."""

PLACES = (
    "peer", "port", "url", "host", "binary", "topic", "rpc", "agent", "service",
    "unit", "device", "filter", "rc", "quota", "policy", "bridge", "physnet", "backend",
)  # fmt: skip
"""Captured groups that tell hits apart: one unreachable peer is another finding than the next. Ids of single servers,
volumes or ports do not, else a failed batch would give a hit for each of its servers."""

_TEXTS = {
    "message": pl.col("message"),
    "any": pl.concat_str("message", "detail", separator="\n", ignore_nulls=True),
}
"""What is searched for signatures with `in: message` and with `in: any`."""

_QUOTED = re.compile(
    r"Remote error: |\b\w+_Remote\b|Error from last host: "
    r'|\{"(?:errors|\w+Fault|NeutronError|itemNotFound|badRequest|conflictingRequest|forbidden|overLimit)": ?[\[{]'
)
"""Where a record goes on with what another process said, over RPC or as the JSON of an error over HTTP: that blames the other,
never the writer."""

_FOUND = {"text": pl.UInt32, "signature": pl.UInt32, "place": pl.String, "captured": pl.UInt32}


class Matcher:
    """Holds signatures and finds them in log tables; implements `contracts.SignatureMatcher`."""

    def __init__(self, signatures: Iterable[Signature]) -> None:
        self._signatures = tuple(signatures)

    def match(self, table: pl.DataFrame) -> list[SignatureHit]:
        """Return one hit per signature, service, host and named place (peer, port, agent, filter …), earliest first."""
        captures: list[Mapping[str, str]] = []
        asked = {s.where for s in self._signatures}
        found = [self._search(table, where, text, captures) for where, text in _TEXTS.items() if where in asked]
        if not found:
            return []
        hits = (
            pl.concat(found)
            .group_by("signature", "service", "host", "place")
            .agg(
                pl.col("captured").sort_by("record").first(),
                pl.col("record").unique().sort().head(KEPT_RECORDS).alias("records"),
                pl.col("record").n_unique().alias("count"),
                pl.col("record").max().alias("last"),
            )
            .sort(pl.col("records").list.first(), "signature", "service", "host", "place")
        )
        return [
            SignatureHit(
                signature=self._signatures[row["signature"]].id,
                service=row["service"] or "unknown",
                host=row["host"],
                records=tuple(row["records"]),
                count=row["count"],
                captured=captures[row["captured"]],
                last=row["last"],
            )
            for row in hits.iter_rows(named=True)
        ]

    def _search(
        self, table: pl.DataFrame, where: str, text: pl.Expr, captures: list[Mapping[str, str]]
    ) -> pl.DataFrame:
        """Return record, service, host, signature number, place and capture number of everything found in a text."""
        wanted = [n for n, s in enumerate(self._signatures) if s.where == where]
        by_needle = self._needles(wanted)
        lines = (
            table.select("record", "service", "host", "level", text.alias("line"))
            .filter(pl.col("line").str.contains_any(list(by_needle), ascii_case_insensitive=True))
            .with_columns(pl.col("service", "host", "level").cast(pl.String))
        )
        key = ["service", "level", "line"]
        texts = (
            lines.select(key)
            .unique(maintain_order=True)
            .with_row_index("text")
            .with_columns(
                pl.col("line")
                .str.extract_many(list(by_needle), ascii_case_insensitive=True, overlapping=True)
                .alias("needles")
            )
        )
        found: list[tuple[int, int, str, int]] = []
        candidates = _Candidates(self._signatures, by_needle)
        for number_of_text, service, level, line, needles in texts.iter_rows():
            for number in candidates.of(service, level, needles):
                captured = _captured(self._signatures[number], line)
                if captured is not None:
                    found.append((number_of_text, number, _place(captured), len(captures)))
                    captures.append(captured)
        return (
            lines.join(texts.select("text", *key), on=key, nulls_equal=True)
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


def telling_line(signatures: Iterable[Signature], service: str | None, message: str, detail: str) -> str | None:
    """Return the line of a record's detail in which the signature stands that says most of the record; None when its message
    says as much, or no signature is found.
    """
    lower = detail.lower()
    able = [s for s in signatures if s.where == "any" and s.written_by(service) and any(n in lower for n in s.needles)]
    for signature in sorted(able, key=lambda s: (s.role != "cause", -s.weight, s.id)):
        if signature.find(message):
            return None
        if match := signature.find(detail):
            return detail[detail.rfind("\n", 0, match.start()) + 1 :].partition("\n")[0]
    return None


class _Candidates:
    """Says which signatures are worth a regular expression: program, level and a literal fit."""

    def __init__(self, signatures: Sequence[Signature], by_needle: Mapping[str, list[int]]) -> None:
        self._signatures = signatures
        self._by_needle = by_needle
        self._known: dict[tuple[str | None, str, str], tuple[int, ...]] = {}

    def of(self, service: str | None, level: str, needles: Sequence[str]) -> list[int]:
        """Return the numbers of the signatures that can match a text in which these literals stand."""
        return sorted({n for needle in needles for n in self._with(service, level, needle)})

    def _with(self, service: str | None, level: str, needle: str) -> tuple[int, ...]:
        key = (service, level, needle)
        if key not in self._known:
            numbers = self._by_needle[needle.lower()]
            self._known[key] = tuple(
                n for n in numbers if level in self._signatures[n].levels and self._signatures[n].written_by(service)
            )
        return self._known[key]


def _captured(signature: Signature, line: str) -> dict[str, str] | None:
    """Return the named groups of a match; None when the pattern does not fit or what fits is quoted."""
    match = signature.find(line)
    if match is None or (signature.blames == "self" and _QUOTED.search(line, 0, match.start())):
        return None
    return captures_of(match)


def captures_of(match: re.Match[str]) -> dict[str, str]:
    """Return the named groups that took part; `host2` stands for `host` in a further alternative of a pattern."""
    taken = [(name.rstrip("0123456789"), value) for name, value in match.groupdict().items() if value]
    return dict(reversed(taken))


def _place(captured: Mapping[str, str]) -> str:
    return "|".join(f"{name}={captured[name]}" for name in PLACES if name in captured)
