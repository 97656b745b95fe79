"""Every line that the model may point to, by its evidence id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import polars as pl

from openstack_rca.diagnosis.case import Case
from openstack_rca.records import Evidence, Scores

_SIGNALS = tuple(f.name for f in fields(Scores))


@dataclass(frozen=True)
class Line:
    """One record as it can be shown: its evidence but for the id, and what was joined to it (a traceback)."""

    evidence: Evidence
    detail: str
    template: str | None


class EvidenceBook:
    """Gives ids to lines of a case, going on from those of a diagnosis; a line has one id however often it is shown."""

    def __init__(self, case: Case, known: Iterable[Evidence]) -> None:
        self._case = case
        self._lines: dict[int, Line] = {}
        self._ids: dict[tuple[str, int], str] = {}
        self._entries: dict[str, Evidence] = {}
        for evidence in known:
            self._ids[evidence.file, evidence.line] = evidence.id
            self._entries[evidence.id] = evidence
        self._next = 1 + max((int(i[1:]) for i in self._entries if i[1:].isdigit()), default=0)
        self._details = self._details_of(self._entries.values())

    @property
    def entries(self) -> Mapping[str, Evidence]:
        """Return all evidence by id, in the order in which it was numbered."""
        return self._entries

    def text_of(self, id_: str) -> str:
        """Return the line with what was joined to it."""
        return f"{self._entries[id_].text}\n{self._details.get(id_, '')}"

    def detail_of(self, id_: str) -> str:
        """Return what was joined to the line; empty when nothing was."""
        return self._details.get(id_, "")

    def fetch(self, records: Iterable[int]) -> dict[int, Line]:
        """Return the lines of records, without giving them ids; a record that cannot be read again is left out."""
        records = list(dict.fromkeys(records))
        missing = [r for r in records if r not in self._lines]
        if missing:
            cited = self._case.cite(missing)
            for row in self._rows(missing):
                if row["record"] in cited:
                    there = cited[row["record"]]
                    self._lines[row["record"]] = _line(row, there.line, there.text)
        return {r: self._lines[r] for r in records if r in self._lines}

    def number(self, record: int, why: str) -> Evidence:
        """Return the evidence of a fetched record, with a new id unless it has one."""
        line = self._lines[record]
        place = (line.evidence.file, line.evidence.line)
        if place not in self._ids:
            self._ids[place] = id_ = f"E{self._next}"
            self._next += 1
            self._entries[id_] = replace(line.evidence, id=id_, why=why)
            self._details[id_] = line.detail
        return self._entries[self._ids[place]]

    def next_id(self, record: int) -> str:
        """Return the id that a fetched record has or would get."""
        line = self._lines[record]
        return self._ids.get((line.evidence.file, line.evidence.line), f"E{self._next}")

    def _rows(self, records: list[int]) -> Iterable[dict[str, Any]]:
        return self._case.table.filter(pl.col("record").is_in(records)).iter_rows(named=True)

    def _details_of(self, known: Iterable[Evidence]) -> dict[str, str]:
        """Return the joined text of evidence that came with the diagnosis, by id."""
        places = {(e.file, e.line): e.id for e in known}
        rows = self._case.table.select("file", "line", "detail").filter(
            pl.col("file").cast(pl.String).is_in(sorted({f for f, _ in places})) & pl.col("detail").is_not_null()
        )
        return {places[f, n]: d for f, n, d in rows.iter_rows() if (f, n) in places}


def _line(row: Mapping[str, Any], number: int, text: str) -> Line:
    evidence = Evidence(
        id="",
        file=row["file"],
        line=number,
        time=row["time"],
        service=row["service"] or "unknown",
        host=row["host"],
        level=row["level"],
        text=text,
        why="",
        scores=Scores(**{name: round(row[name], 4) for name in _SIGNALS if row.get(name) is not None}),
    )
    return Line(evidence, row["detail"] or "", row["template"])
