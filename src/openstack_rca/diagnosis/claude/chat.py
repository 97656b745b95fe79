"""Questions about a finished report, answered by the model and bound to the lines of the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from openstack_rca.contracts import Topology
from openstack_rca.diagnosis.claude.client import ClaudeClient, Heard, Usage
from openstack_rca.diagnosis.claude.counting import tokens
from openstack_rca.diagnosis.claude.drawing import clock, cut, drawn, remembered
from openstack_rca.diagnosis.claude.exchange import Exchange, Message, Unusable
from openstack_rca.diagnosis.claude.facts import Facts
from openstack_rca.diagnosis.claude.page import Page, wrap
from openstack_rca.diagnosis.claude.prompts import prompt, size_of
from openstack_rca.diagnosis.claude.schema import ChatReply
from openstack_rca.diagnosis.redaction import Redactor
from openstack_rca.records import Evidence, LlmUse, Report
from openstack_rca.settings import Settings

_SECTIONS = ("report", "causes", "refuted", "lines", "timeline", "next checks", "services", "past incidents")
_SHARE_OF_REPORT = 0.6
"""What of the room the report takes; the rest is for questions and answers, of which the oldest go first."""


@dataclass(frozen=True)
class ChatAnswer:
    """An answer in which only checked names stand, the evidence that it cites, and sentences about what was struck."""

    text: str
    evidence: tuple[str, ...]
    notes: tuple[str, ...]


class Chat:
    """A conversation about one report. Raises UnavailableError at once when the settings allow no request."""

    def __init__(self, settings: Settings, report: Report, topology: Topology) -> None:
        client, llm = ClaudeClient(settings), settings.llm
        hosts = _hosts(report)
        redactor = Redactor(
            hosts=sorted(hosts) if llm.redact_hosts else (),
            ips=llm.redact_ips,
            by_shape=llm.redact_ids,
            active=llm.redact,
        )
        self._exchange = Exchange(client, llm, redactor, prompt("chat"), ChatReply)
        room = llm.max_input_tokens - tokens(prompt("chat")) - size_of(ChatReply)
        text = _drawn(report, int(room * _SHARE_OF_REPORT), redactor)
        components = {*report.service_distribution, *report.affected_services}
        components |= {c.component for c in report.diagnosis.causes}
        self._facts = Facts(_ReportLines(report), hosts, _with_needed(components, topology), redactor.restore(text))
        self._report: Message = self._exchange.said(text)
        self._turns: list[list[Message]] = []

    @property
    def use(self) -> LlmUse:
        """Return what the conversation cost so far."""
        usage: Usage = self._exchange.usage
        return LlmUse(usage.calls, usage.input, usage.output, self._exchange.redactor.hidden)

    def ask(self, question: str, heard: Heard | None = None) -> ChatAnswer:
        """Return the answer to a question; what does not hold is told to the model once, then struck.

        Raises UnavailableError with one sentence when there is no answer; the conversation goes on where it was.
        """
        self._facts.see(question)
        asked: list[Message] = [self._exchange.said(question)]
        answer: ChatAnswer | None = None
        for _ in range(2):
            reply = self._exchange.ask(self._with_history(asked), heard)
            try:
                said = self._exchange.read(reply, ChatReply)
            except Unusable as unusable:
                if unusable.final:
                    return ChatAnswer("", (), (f"{unusable}.",))
                asked = [self._exchange.said(question, str(unusable))]
                continue
            answer, problems = self._checked(said)
            turn: list[Message] = [asked[0], {"role": "assistant", "content": list(reply.content)}]
            if not problems:
                break
            asked = self._exchange.corrected([turn[0]], reply, problems)
        if answer is None:
            return ChatAnswer("", (), ("The language model gave no usable answer.",))
        self._turns.append(turn)
        return answer

    def _with_history(self, asked: list[Message]) -> list[Message]:
        """Return the whole conversation, without its oldest turns where it would grow too long."""
        while True:
            messages: list[Message] = [*chain.from_iterable(self._turns), *asked]
            messages[0] = {**messages[0], "content": [*self._report["content"], *messages[0]["content"]]}
            if not self._turns or self._exchange.left(messages) >= 0:
                return messages
            del self._turns[0]

    def _checked(self, said: ChatReply) -> tuple[ChatAnswer, list[str]]:
        ids = tuple(i for i in dict.fromkeys(said.evidence) if i in self._facts.book.entries)
        problems = [f"{i} does not exist." for i in said.evidence if i not in ids]
        text, bad = self._facts.strike(said.answer, quotes=True)
        problems += [f"{piece} is not in the report." for piece in bad]
        notes = (
            [f"Struck from the answer, because the report does not hold it: {' '.join(problems)}"] if problems else []
        )
        if not ids:
            notes.append("No line of the report bears this answer.")
        return ChatAnswer(text, ids, tuple(notes)), problems


class _ReportLines:
    """The evidence of a report as lines that may be pointed to."""

    def __init__(self, report: Report) -> None:
        self._entries = {e.id: e for e in report.diagnosis.evidence}

    @property
    def entries(self) -> Mapping[str, Evidence]:
        return self._entries

    def text_of(self, id_: str) -> str:
        return self._entries[id_].text


def _hosts(report: Report) -> set[str]:
    found = report.diagnosis
    named = [*(e.host for e in found.evidence), *(c.host for c in found.causes), *(t.host for t in found.timeline)]
    return {host for host in named if host}


def _with_needed(components: set[str], topology: Topology) -> set[str]:
    return components | {topology.family(c) for c in components}


def _drawn(report: Report, budget: int, redactor: Redactor) -> str:
    """Return a report as the model sees it: conclusions first, then lines, then the rest, as far as they fit."""
    page = Page(_SECTIONS, budget - 60, redactor.redact)
    found = report.diagnosis
    sure = "inconclusive" if found.inconclusive else "conclusive"
    page.offer("report", f"issue: {cut(report.issue, 600)}", 0)
    page.offer("report", f"{sure}, by {found.analyst}; category {report.category}, severity {report.severity}", 1)
    for c in found.causes:
        where = f" on {c.host}" if c.host else ""
        head = f"{c.rank}. {c.component}{where}, {c.type}, confidence {c.confidence:.2f}"
        text = f"{head}: {c.statement} [{', '.join(c.evidence)}]"
        page.offer("causes", f"{text} Remedy: {c.remediation}" if c.remediation else text, c.rank)
    for i, e in enumerate(found.evidence):
        page.offer("lines", drawn(e, "", 500), i)
    for i, r in enumerate(found.refuted):
        page.offer("refuted", f"{r.statement} — {r.why} [{', '.join(r.evidence)}]", i)
    for i, t in enumerate(found.timeline):
        page.offer("timeline", f"{clock(t.time)} {t.service}: {cut(t.event, 160)} [{t.evidence or '-'}]", i)
    for i, check in enumerate(found.next_checks):
        page.offer("next checks", check, i)
    counts = "; ".join(
        f"{s} {n.lines}/{n.errors}/{n.relevant}" for s, n in list(report.service_distribution.items())[:15]
    )
    page.offer("services", f"records/errors/relevant: {counts}")
    for i, past in enumerate(report.similar_incidents):
        page.offer("past incidents", remembered(past, 300), i)
    return wrap("report", redactor.redact(page.text()))
