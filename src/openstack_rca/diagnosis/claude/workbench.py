"""What can be asked about the logs of a case: plain functions that read, each returning text whose lines have ids."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import polars as pl

from openstack_rca.diagnosis.case import Case
from openstack_rca.diagnosis.claude.book import EvidenceBook
from openstack_rca.diagnosis.claude.drawing import clock, cut, drawn, remembered
from openstack_rca.records import Pattern, SimilarIncident

FindIncidents = Callable[[str], Sequence[SimilarIncident]]
FindSignatures = Callable[[str], Sequence[str]]
_LONGEST = 400
_MOST = 25


class Workbench:
    """The tools of an investigation over one case; every line that they show gets an id in `book`.

    `patterns` are the templates that changed against health. `incidents` and `signatures` search by a text.
    """

    def __init__(
        self,
        case: Case,
        book: EvidenceBook,
        *,
        patterns: Sequence[Pattern] = (),
        incidents: FindIncidents | None = None,
        signatures: FindSignatures | None = None,
    ) -> None:
        self._case = case
        self._book = book
        self._patterns = patterns
        self._incidents = incidents
        self._signatures = signatures

    def search_lines(self, text: str, service: str = "", host: str = "", level: str = "", limit: int = 12) -> str:
        """Return the most relevant lines that hold all words of a text, of a program, host or level (and above)."""
        found = self._matching(text, service, host, level)
        if found.is_empty():
            return "No line matches."
        best = (
            found.sort("relevance", "record", descending=[True, False]).head(min(limit, _MOST)).sort("time", "record")
        )
        return f"{found.height} lines match, {best.height} are shown.\n{self._draw(best['record'])}"

    def follow_request(self, id: str) -> str:
        """Return what every program wrote about a request id or a resource (uuid), in the order of time."""
        id = id.strip()
        named = (
            (pl.col("request_id") == id)
            | (pl.col("global_request_id") == id)
            | (pl.col("root") == id)
            | (pl.col("instance") == id)
            | pl.col("resources").list.contains(id)
        )
        found = self._case.table.filter(named.fill_null(False)).sort("time", "record")
        if found.is_empty():
            return f"No line is about {cut(id, 80)}."
        turns = found["service"].cast(pl.String).rle_id()
        first = pl.Series(range(found.height)).is_in(turns.unique(maintain_order=True).to_list())
        shown = found if found.height <= _MOST else self._telling(found.with_columns(turn=turns, first=first))
        return f"{found.height} lines are about it, {shown.height} are shown.\n{self._draw(shown['record'])}"

    def _telling(self, found: pl.DataFrame) -> pl.DataFrame:
        """Return the lines where another program takes over, and the loudest."""
        changes = found.filter(pl.col("turn").is_first_distinct())
        loud = found.sort("relevance", descending=True).head(_MOST)
        return pl.concat([changes.head(12), loud]).unique("record").sort("time", "record").head(_MOST)

    def compare_with_baseline(self, service: str = "") -> str:
        """Return the kinds of lines that are new, gone, more or less than in health, of one program or all."""
        rows = [p for p in self._patterns if not service or p.service == service][:20]
        if rows:
            return "\n".join(
                f"{p.change} ({p.baseline_count} in health, {p.count} now, first {clock(p.first)}) {p.service}: "
                f"{cut(p.template, 200)}"
                for p in rows
            )
        new = self._matching("", service, "", "").filter(pl.col("novelty") > 0.5)
        kinds = new.group_by("service", "template").agg(pl.len(), pl.col("record").min()).sort("len", descending=True)
        if kinds.is_empty():
            return "Nothing is new against health."
        counts = ", ".join(f"{n} times" for n in kinds["len"].head(12))
        return f"New against health, most frequent first ({counts}):\n{self._draw(kinds['record'].head(12))}"

    def count_by_time(self, text: str = "", service: str = "", level: str = "", minutes: float = 1.0) -> str:
        """Return how many lines match in each span of minutes, from first to last; silence shows as zero."""
        found = self._matching(text, service, "", level).drop_nulls("time").sort("time")
        if found.is_empty():
            return "No line with a time matches."
        whole = self._case.table["time"].drop_nulls()
        length: timedelta = whole.max() - whole.min()  # type: ignore[operator, assignment]
        step = max(minutes, length.total_seconds() / 60 / 60)
        every = f"{max(1, round(step * 60))}s"
        counts = found.group_by_dynamic("time", every=every).agg(pl.len())
        filled = counts.upsample("time", every=every).with_columns(pl.col("len").fill_null(0))
        rows = ", ".join(f"{clock(t)[11:19]} {n}" for t, n in filled.tail(70).iter_rows())
        return f"{found.height} lines from {clock(found['time'][0])} to {clock(found['time'][-1])}, by {every}: {rows}"

    def read_around(self, evidence: str, lines: int = 10) -> str:
        """Return the lines of the same file around a line with an id, in their order."""
        entry = self._book.entries.get(evidence.strip())
        if entry is None:
            return f"There is no line {cut(evidence, 20)}."
        file = self._case.table.filter(pl.col("file").cast(pl.String) == entry.file).sort("line")
        at = int((file["line"] <= entry.line).sum()) - 1
        half = max(1, min(lines, _MOST) // 2)
        return self._draw(file.slice(max(0, at - half), 2 * half + 1)["record"])

    def search_incidents(self, text: str) -> str:
        """Return past incidents like a text, with their causes and solutions; they are hints, not evidence."""
        if self._incidents is None:
            return "There is no memory of past incidents here."
        return "\n".join(remembered(i, 400) for i in self._incidents(text)) or "No past incident is like this."

    def search_signatures(self, text: str) -> str:
        """Return known failure texts about a text, with what they mean."""
        if self._signatures is None:
            return "There are no signatures here."
        return "\n".join(cut(s, 500) for s in self._signatures(text)[:8]) or "No signature is about this."

    def _matching(self, text: str, service: str, host: str, level: str) -> pl.DataFrame:
        found = self._case.table
        for column, wanted in (("service", service), ("host", host)):
            if wanted.strip():
                found = found.filter(pl.col(column).cast(pl.String) == wanted.strip())
        if level.strip().upper() in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
            found = found.filter(pl.col("level") >= level.strip().upper())
        everything = pl.concat_str(
            "message", "detail", "request_id", separator=" ", ignore_nulls=True
        ).str.to_lowercase()
        for word in text.lower().split()[:8]:
            found = found.filter(everything.str.contains(word, literal=True))
        return found

    def _draw(self, records: Iterable[int]) -> str:
        """Return lines with their ids; those that cannot be read again are left out."""
        records = list(records)
        lines = self._book.fetch(records)
        shown = []
        for record in records:
            if record in lines:
                evidence = self._book.number(record, "seen in the investigation")
                shown.append(drawn(evidence, lines[record].detail, _LONGEST))
        return "\n".join(shown)
