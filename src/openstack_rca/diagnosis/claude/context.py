"""A case -> what the model reads of it: within a budget of tokens, by score and by coverage of the hypotheses."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from openstack_rca.diagnosis.case import Case
from openstack_rca.diagnosis.claude.book import EvidenceBook
from openstack_rca.diagnosis.claude.counting import tokens
from openstack_rca.diagnosis.claude.drawing import clock, cut, drawn, remembered
from openstack_rca.diagnosis.claude.page import Page, wrap
from openstack_rca.diagnosis.offline import ranked
from openstack_rca.diagnosis.relevance import RELEVANT
from openstack_rca.diagnosis.selection import choose
from openstack_rca.records import Clue, Diagnosis, Hypothesis, Pattern, SimilarIncident, Story

SECTIONS = (
    "incident", "hypotheses", "lines", "timeline", "stories", "services", "changes", "past incidents", "left out",
)  # fmt: skip
_CANDIDATES = 150
"""Lines that are weighed for the context at most."""
_HYPOTHESES = 6
_CLUES = 5
_RESERVED = 150
"""Tokens kept for the tags and the account of what was left out; `_TAGS` of them for the tags."""
_TAGS = 50
_SURROUNDED = 6
"""Lines whose neighbours are shown."""
_SHORT = 240


@dataclass(frozen=True)
class Context:
    """The text of a case, what it counts in tokens, and the ids of the lines that it shows."""

    text: str
    tokens: int
    lines: tuple[str, ...]


def build(
    case: Case,
    offline: Diagnosis,
    book: EvidenceBook,
    budget: int,
    *,
    similar: Sequence[SimilarIncident] = (),
    patterns: Sequence[Pattern] = (),
    hide: Callable[[str], str] = lambda text: text,
) -> Context:
    """Return the context of a case in at most `budget` tokens; its lines get their ids in `book`.

    First come, in rounds, the next clue of each hypothesis with its line, then the facts around them (services,
    timeline, stories, past incidents, changes), then neighbours and further relevant lines, all in the order of time.
    """
    hypotheses = ranked(case.clues, case.table, case.topology, case.question)[:_HYPOTHESES]
    reserved = min(_RESERVED, budget // 4)
    writer = _Writer(case, book, Page(SECTIONS, budget - reserved, hide), offline)
    candidates = choose(hypotheses, case.table, _CANDIDATES)
    writer.fetch(hypotheses, candidates)
    writer.incident()
    writer.hypotheses(hypotheses)
    writer.lines(dict(list(candidates.items())[:20]))
    writer.services()
    writer.timeline()
    writer.stories()
    writer.past_incidents(similar)
    writer.changes(patterns)
    writer.neighbours()
    writer.lines(candidates)
    writer.left_out(candidates, reserved - _TAGS)
    text = wrap("case", hide(writer.page.text()))
    return Context(text, tokens(text), tuple(writer.ids.values()))


class _Writer:
    """Fills a page with one case."""

    def __init__(self, case: Case, book: EvidenceBook, page: Page, offline: Diagnosis) -> None:
        self.page = page
        self.ids: dict[int, str] = {}
        self._case = case
        self._book = book
        self._offline = offline
        self._said: set[str] = set()

    def fetch(self, hypotheses: Sequence[Hypothesis], candidates: Iterable[int]) -> None:
        """Read all lines that may be shown in one go."""
        first = [c.records[0] for h in hypotheses for c in h.clues[:_CLUES] if c.records]
        self._book.fetch([*first, *candidates])

    def incident(self) -> None:
        """Write what was asked, and when and where the logs are from; this must fit."""
        table, question = self._case.table, self._case.question
        hosts = _names(table["host"])
        facts = [
            f"issue, in the words of the user: {cut(question.text, 600)}",
            f"logs: {table.height} records from {clock(table['time'].min())} to {clock(table['time'].max())} (UTC), "  # type: ignore[arg-type]
            f"failures set in: {clock(self._case.onset)}",
            f"hosts: {', '.join(hosts[:30])}{f' and {len(hosts) - 30} more' if len(hosts) > 30 else ''}",
        ]
        for i, fact in enumerate(facts):
            self.page.offer("incident", fact, i)

    def hypotheses(self, hypotheses: Sequence[Hypothesis]) -> None:
        """Write the hypotheses in rounds: the first clue of each with its line, then the second of each …"""
        for turn in range(_CLUES):
            for rank, h in enumerate(hypotheses, 1):
                if turn == 0:
                    self.page.offer("hypotheses", _headline(rank, h), rank, 0)
                if turn < len(h.clues):
                    self._clue("for", h.clues[turn], rank, turn)
                if turn == 0:
                    against = [c for c in self._case.clues if c.exculpates == h.component]
                    for clue in against[:1]:
                        self._clue("against", clue, rank, 100)

    def _clue(self, side: str, clue: Clue, rank: int, turn: int) -> None:
        id_ = self._show(clue.records[0], clue.statement) if clue.records else None
        words = "as above" if clue.statement in self._said else cut(clue.statement, 320)
        span = f"{clock(clue.first)}" + (f" to {clock(clue.last)}" if clue.last != clue.first else "")
        text = f"H{rank} {side} ({clue.role}, {clue.count} times, {span}): {words}"
        if self.page.offer("hypotheses", text + (f" [{id_}]" if id_ else ""), rank, 1 + turn):
            self._said.add(clue.statement)

    def lines(self, chosen: dict[int, str]) -> None:
        """Write the chosen lines that are not there yet, most important first, as long as they fit."""
        for record, why in chosen.items():
            self._show(record, why)

    def _show(self, record: int, why: str, longest: int | None = None) -> str | None:
        """Offer one line; return its id when it is in."""
        if record in self.ids:
            return self.ids[record]
        line = self._book.fetch([record]).get(record)
        if line is None:
            return None
        id_ = self._book.next_id(record)
        evidence = replace(line.evidence, id=id_)
        text = drawn(evidence, line.detail, longest) if longest else drawn(evidence, line.detail)
        if not self.page.offer("lines", text, str(evidence.time or ""), record):
            return None
        self._book.number(record, why)
        self.ids[record] = id_
        return id_

    def services(self) -> None:
        """Write how many records each program wrote, how many loud, how many relevant."""
        counts = self._case.table.group_by("service").agg(
            pl.len().alias("n"), (pl.col("level") >= "ERROR").sum().alias("e"), (pl.col("relevance") >= RELEVANT).sum()
        )
        rows = counts.sort("relevance", "e", "n", descending=True).head(15).iter_rows()
        text = "; ".join(f"{s or 'unknown'} {n}/{e}/{r}" for s, n, e, r in rows)
        self.page.offer("services", f"records/errors/relevant: {text}")

    def timeline(self) -> None:
        """Write the events of the offline diagnosis, in short."""
        for i, event in enumerate(self._offline.timeline[:15]):
            id_ = f" [{event.evidence}]" if event.evidence in self.ids.values() else ""
            self.page.offer("timeline", f"{clock(event.time)} {event.service}: {cut(event.event, 90)}{id_}", i)

    def stories(self) -> None:
        """Write the failed requests and resources over services, each in one line."""
        failed = sorted(self._case.stories, key=lambda s: not s.failed)
        for i, story in enumerate(failed[:6]):
            self.page.offer("stories", _story(story), i)

    def past_incidents(self, similar: Sequence[SimilarIncident]) -> None:
        """Write past incidents like this one with their solutions; they are hints, not evidence."""
        for i, past in enumerate(similar):
            self.page.offer("past incidents", remembered(past, 400), i)

    def changes(self, patterns: Sequence[Pattern]) -> None:
        """Write the templates that changed most against health."""
        for i, p in enumerate(patterns[:8]):
            text = f"{p.change} ({p.baseline_count} -> {p.count}) {p.service}: {cut(p.template, 160)}"
            self.page.offer("changes", text, i)

    def neighbours(self) -> None:
        """Write the records of the same process right before and after the first lines shown, in short."""
        shown = list(self.ids)[:_SURROUNDED]
        rows = self._case.table.with_row_index("at").select("at", "record", "file", "pid")
        beside = pl.DataFrame({"record": shown}, schema={"record": pl.UInt32}).join(rows, on="record")
        near: list[int] = []
        for at, _, file, pid in beside.select("at", "record", "file", "pid").iter_rows():
            around = rows.slice(max(0, at - 12), 25).filter(
                (pl.col("file").cast(pl.String) == file) & pl.col("pid").eq_missing(pl.lit(pid)) & (pl.col("at") != at)
            )
            before, after = around.filter(pl.col("at") < at).tail(1), around.filter(pl.col("at") > at).head(1)
            near += [*before["record"], *after["record"]]
        self._book.fetch(near)
        for record in near:
            self._show(record, "next to a line of evidence", _SHORT)

    def left_out(self, candidates: Iterable[int], reserved: int) -> None:
        """Say how many of the candidates did not fit, and of which programs, in the tokens kept for it."""
        table = self._case.table
        missing = table.filter(pl.col("record").is_in([r for r in candidates if r not in self.ids]))
        counts = missing.group_by("service").len().sort("len", "service", descending=True).head(6).iter_rows()
        of = ", ".join(f"{n} of {cut(s or 'unknown', 40)}" for s, n in counts)
        which = (
            f"{missing.height} more kinds of telling lines did not fit ({of})"
            if of
            else "every telling kind of line is"
        )
        self.page.left += reserved
        shown = f"{len(self.ids)} of {table.height} records are shown"
        if not self.page.offer("left out", f"{shown}; {which}."):
            self.page.offer("left out", f"{shown}; {missing.height} did not fit.")


def _headline(rank: int, h: Hypothesis) -> str:
    where = f" on {h.host}" if h.host else ""
    place = f", code: {h.code[0].file} {h.code[0].function or ''}" if h.code else ""
    explained = f"; explained by the failure of {h.explained_by}" if h.explained_by else ""
    return f"H{rank} {h.component}{where}, {h.type}, score {h.score:.2f}{place}{explained}"


def _story(story: Story) -> str:
    hops = " > ".join(
        f"{h.service}{'@' + h.host if h.host else ''} {clock(h.first)[11:]} {'FAILED' if h.failed else h.worst}"
        for h in story.hops[:10]
    )
    return f"{story.kind} {cut(story.key, 80)}: {hops}"


def _names(column: pl.Series) -> list[str]:
    return sorted(str(v) for v in column.drop_nulls().unique().cast(pl.String))
