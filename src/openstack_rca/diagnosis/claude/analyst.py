"""The Claude analyst: a case and the offline diagnosis in, a diagnosis out whose every claim was checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from openstack_rca.diagnosis.case import Case
from openstack_rca.diagnosis.claude.book import EvidenceBook
from openstack_rca.diagnosis.claude.cache import AnswerCache, Kept, key_of
from openstack_rca.diagnosis.claude.client import ClaudeClient, Heard, Reply, Request
from openstack_rca.diagnosis.claude.context import build
from openstack_rca.diagnosis.claude.dry_run import shown
from openstack_rca.diagnosis.claude.exchange import Exchange, Message, Unusable
from openstack_rca.diagnosis.claude.facts import Facts
from openstack_rca.diagnosis.claude.grounding import Grounded, ground
from openstack_rca.diagnosis.claude.investigation import investigate
from openstack_rca.diagnosis.claude.prompts import prompt, room_for_context
from openstack_rca.diagnosis.claude.schema import Answer
from openstack_rca.diagnosis.claude.toolbox import Toolbox, described
from openstack_rca.diagnosis.claude.workbench import FindIncidents, FindSignatures, Workbench
from openstack_rca.diagnosis.redaction import Redactor
from openstack_rca.errors import UnavailableError
from openstack_rca.records import Diagnosis, LlmUse, Pattern, SimilarIncident
from openstack_rca.settings import Settings

_SHARE_OF_CASE = 0.5
"""What of the room the case takes when the rest is for the answers of tools."""
_MOST_PROBLEMS = 8


@dataclass(frozen=True)
class Conclusion:
    """A diagnosis, what it cost, and sentences for the report; `answered` is false when it is the offline analyst's."""

    diagnosis: Diagnosis
    use: LlmUse
    notes: tuple[str, ...]
    answered: bool
    dollars: float = 0.0


@dataclass(frozen=True)
class Material:
    """What an analysis may draw on beside the case: past incidents, changed templates, and two searches."""

    similar: Sequence[SimilarIncident] = ()
    patterns: Sequence[Pattern] = ()
    incidents: FindIncidents | None = None
    signatures: FindSignatures | None = None


class ClaudeAnalyst:
    """Asks Claude about cases. `cache` is a folder for answers; nothing is connected to before the first case."""

    def __init__(self, settings: Settings, cache: Path | None = None) -> None:
        self._settings = settings
        self._cache = AnswerCache(cache if settings.llm.cache else None)

    def diagnose(
        self,
        case: Case,
        offline: Diagnosis,
        material: Material = Material(),
        *,
        investigating: bool = False,
        fresh: bool = False,
        heard: Heard | None = None,
    ) -> Conclusion:
        """Return what the model concludes as far as it holds, or the offline diagnosis with a sentence why not.

        `heard` gets the sentences of the answer while it is written, before they are checked. `fresh` asks again
        although an answer to the same evidence is kept. Raises UnavailableError when the settings allow no request.
        """
        client = ClaudeClient(self._settings)
        session = _Session(self._settings, client, case, offline, material, investigating)
        key = key_of(session.first(), self._settings.llm, session.fingerprint() if investigating else "")
        if not fresh and (kept := self._cache.get(key)) and (grounded := session.replayed(kept)):
            asked_before = "The language model was not asked: it answered this evidence before."
            return session.conclude(grounded, (asked_before, *_struck(grounded)))
        grounded, notes = session.run(heard)
        if grounded:
            self._cache.put(key, Kept(session.accepted, tuple(session.toolbox.made)))
        return session.conclude(grounded, notes)

    def dry_run(
        self,
        case: Case,
        offline: Diagnosis,
        material: Material = Material(),
        *,
        investigating: bool = False,
    ) -> str:
        """Return exactly what `diagnose` would send first, and its size; needs no key, nothing is connected to."""
        session = _Session(self._settings, None, case, offline, material, investigating)
        return shown(session.first(), session.exchange.size(session.messages), session.redactor.hidden, self._settings)


class _Session:
    """One case being asked about."""

    def __init__(
        self,
        settings: Settings,
        client: ClaudeClient | None,
        case: Case,
        offline: Diagnosis,
        material: Material,
        investigating: bool,
    ) -> None:
        llm = settings.llm
        self._settings = settings
        self._case = case
        self._offline = offline
        self._investigating = investigating
        self.accepted = ""
        self.redactor = redactor_for(case, settings)
        book = EvidenceBook(case, offline.evidence)
        tools = described() if investigating else ()
        room = room_for_context(llm.max_input_tokens, tools)
        context = build(
            case,
            offline,
            book,
            int(room * _SHARE_OF_CASE) if investigating else room,
            similar=material.similar,
            patterns=material.patterns,
            hide=self.redactor.redact,
        )
        system = prompt("analyst") + (f"\n\n{prompt('investigation')}" if investigating else "")
        self.exchange = Exchange(client, llm, self.redactor, system, Answer, tools)
        self.messages: list[Message] = [self.exchange.said(context.text)]
        self.facts = Facts(book, _hosts(case, offline), _components(case, offline), self.redactor.restore(context.text))
        bench = Workbench(
            case, book, patterns=material.patterns, incidents=material.incidents, signatures=material.signatures
        )
        self.toolbox = Toolbox(bench, self.redactor.restore)

    def first(self) -> Request:
        """Return the first request."""
        return self.exchange.request(self.messages)

    def fingerprint(self) -> str:
        """Return what tells this log table from others, for answers that also rest on lines outside the context."""
        table = self._case.table
        return f"{table.height} {table['time'].min()!s} {table['time'].max()!s} {table['template'].n_unique()}"

    def replayed(self, kept: Kept) -> Grounded | None:
        """Return what a kept answer says of this case, after its calls were made again; None when it does not hold."""
        for name, arguments in kept.calls:
            self.facts.see(self.toolbox.call(name, arguments, self._settings.llm.max_input_tokens))
        try:
            grounded = self._grounded(self.exchange.parsed(kept.text, Answer))
        except Unusable:
            return None
        return grounded if grounded.usable else None

    def run(self, heard: Heard | None) -> tuple[Grounded | None, tuple[str, ...]]:
        """Ask, check, ask once for correction; return what stands, or None with the sentence why nothing does."""
        best: Grounded | None = None
        why = "The language model gave no usable answer"
        try:
            for correcting in (False, True):
                reply = self._reply(heard, correcting)
                try:
                    grounded = self._grounded(self.exchange.read(reply, Answer))
                except Unusable as unusable:
                    if unusable.final:
                        why = str(unusable)
                        break
                    self.messages = self.exchange.continued(self.messages, str(unusable))
                    continue
                if grounded.usable:
                    best, self.accepted = grounded, reply.text
                    if not grounded.problems:
                        break
                self.messages = self.exchange.corrected(self.messages, reply, grounded.problems)
        except UnavailableError as error:
            return best, (str(error), *_struck(best))
        return best, _struck(best) if best else (f"{why}; this is the offline analyst's diagnosis.",)

    def _reply(self, heard: Heard | None, correcting: bool) -> Reply:
        if self._investigating and not correcting:
            return investigate(self.exchange, self.messages, self.toolbox, self.facts, self._settings.llm, heard)
        return self.exchange.ask(self.messages, heard, may_call=False)

    def _grounded(self, answer: Answer) -> Grounded:
        settings = self._settings
        return ground(answer, self.facts, self._case.topology, self._offline, settings.llm.model, settings.analysis)

    def conclude(self, grounded: Grounded | None, notes: tuple[str, ...]) -> Conclusion:
        """Return the conclusion with its cost."""
        usage, llm = self.exchange.usage, self._settings.llm
        dollars = usage.dollars(llm)
        if usage.calls:
            price = f"${llm.dollars_per_million_input:g} and ${llm.dollars_per_million_output:g} a million tokens"
            cost = (
                f"The language model {llm.model} read {usage.input:,} and wrote {usage.output:,} tokens in "
                f"{usage.calls} calls: about ${dollars:.3f} at {price}."
            )
            notes = (*notes, cost)
        return Conclusion(
            grounded.diagnosis if grounded else self._offline,
            LlmUse(usage.calls, usage.input, usage.output, self.redactor.hidden),
            notes,
            grounded is not None,
            dollars,
        )


def _struck(grounded: Grounded | None) -> tuple[str, ...]:
    """Return the sentence that marks in the report what was struck; none when all holds."""
    problems = [p.rstrip(".") for p in grounded.problems] if grounded else []
    if not problems:
        return ()
    more = f"; and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
    told = "; ".join(problems[:_MOST_PROBLEMS])
    return (f"Struck from the language model's answer, because the data does not hold it: {told}{more}.",)


def redactor_for(case: Case, settings: Settings) -> Redactor:
    """Return the redactor that the settings ask for, knowing the names of a case that are to be hidden."""
    llm = settings.llm
    ids = (
        pl.concat([case.table["user"], case.table["project"]]).drop_nulls().unique().to_list() if llm.redact_ids else []
    )
    hosts = sorted(_hosts(case, None)) if llm.redact_hosts else []
    return Redactor(hosts=hosts, ids=sorted(ids), ips=llm.redact_ips, by_shape=llm.redact_ids, active=llm.redact)


def _hosts(case: Case, offline: Diagnosis | None) -> set[str]:
    hosts = set(case.table["host"].drop_nulls().unique().cast(pl.String))
    hosts |= {c.host for c in case.clues if c.host}
    return hosts | ({c.host for c in offline.causes if c.host} if offline else set())


def _components(case: Case, offline: Diagnosis) -> set[str]:
    written = set(case.table["service"].drop_nulls().unique().cast(pl.String))
    clues = {name for c in case.clues for name in (c.component, c.reporter)}
    return written | clues | {c.component for c in offline.causes}
