"""The nouns: the log table's columns, and the few things that pass between the rooms.

What is many (log records) lives in one columnar Polars table with the schema `LOG_SCHEMA`; what is few is a frozen
dataclass. Nothing here knows how it is made or shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import polars as pl

FaultType = Literal[
    "service-down",
    "dependency-unreachable",
    "resource-exhaustion",
    "misconfiguration",
    "auth-failure",
    "quota",
    "timeout",
    "network",
    "storage",
    "data-corruption",
    "bug",
]
"""What kind of fault a cause is, in the words of report.json."""

ClueKind = Literal[
    "signature",  # a known text of a failure
    "shared",  # the same of several programs, about what they share
    "traceback",  # an exception
    "answer",  # an exception over what another program answered
    "error",  # a record at ERROR without an exception
    "quoted",  # what the issue quotes
    "http",  # an API answers with an error
    "call",  # an administrator's call that was answered well
    "intervention",  # such a call, and what it led to
    "addressed",  # an API that the issue is about, where nothing fails
    "change",  # kinds of line that are new or missing against healthy logs
    "size",  # answers that are shorter than in health
    "latency",  # durations that are longer than in health
    "wait",  # requests that were slow, and what they waited for
    "stall",  # several services that stopped answering, or grew slow, at once
    "refusals",  # several services that refuse tokens
    "handover",  # a call that was accepted, and nobody took up
    "candidates",  # placement has nothing to offer
    "plugging",  # a step of plugging a port that is missing
    "proxy",  # a proxy gave up too soon
    "connection",  # the message broker lost a client
    "address",  # a wrong address or name, or something in between that rejects
    "kernel",  # the kernel killed a program, or denied it something
    "restart",  # a program's process was replaced
    "outage",  # a program was told to stop, and was away for a while
    "silence",  # a program that wrote steadily fell silent
    "clock",  # a host's clock is wrong
]
"""What sort of finding a clue is. Finders make them in `correlation/` and `pipeline/suspicion.py`; `diagnosis/weighing.py` judges
by them."""

ClueRole = Literal["cause", "symptom", "context"]
"""What a clue says of its component: that it is at fault, that it suffers, or only what happened to it."""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
"""Normalised levels in rising order. AUDIT is INFO, TRACE is ERROR, a record without any level is INFO."""

LOG_SCHEMA: dict[str, pl.DataType] = {
    "record": pl.UInt32(),  # 0-based id, unique in the table, in reading order
    "file": pl.Categorical(),  # as the user knows it: relative to the given path
    "line": pl.UInt32(),  # first line of the record, from 1, in the uncompressed file
    "lines": pl.UInt32(),  # how many physical lines were joined into the record
    "time": pl.Datetime("us"),  # UTC; null when the record and all before it in its file have none
    "zone": pl.Categorical(),  # the zone that the time was read in, "UTC" or "+02:00" or "assumed UTC"
    "host": pl.Categorical(),  # null when nothing tells it
    "service": pl.Categorical(),  # the program, canonical: nova-compute, neutron-server, rabbitmq, kernel
    "pid": pl.String(),  # process id as printed, "20127" or "<0.123.0>"
    "level": pl.Enum(LEVELS),
    "logger": pl.Categorical(),  # nova.compute.manager; null where the format has none
    "request_id": pl.String(),  # local id, "req-<uuid>"
    "global_request_id": pl.String(),
    "user": pl.String(),
    "project": pl.String(),
    "instance": pl.String(),  # uuid of the [instance: …] marker (cinder and glance put volumes and images there)
    "resources": pl.List(pl.String()),  # uuids named in the message, in order, without repeats
    "message": pl.String(),  # without header, ids, marker and DEBUG suffix
    "origin": pl.String(),  # "nova/compute/manager.py:1843 do_attach_volume" of the DEBUG suffix or JSON; null else
    "detail": pl.String(),  # joined traceback or continuation lines, prefixes cut off; null when there are none
    "format": pl.Categorical(),  # id of the format that recognised the record
    "template": pl.Categorical(),  # template id; null until templates are mined
}
"""Columns of the log table and their types."""


UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""The pattern of an id, as OpenStack writes those of its resources and requests."""


def empty_log_table() -> pl.DataFrame:
    """Return a log table without rows."""
    return pl.DataFrame(schema=LOG_SCHEMA)


@dataclass(frozen=True)
class Skipped:
    """Input that did not become a record: where, why, and how many lines (0 when a whole file was left out)."""

    file: str
    reason: str
    lines: int = 0


@dataclass(frozen=True)
class FileSummary:
    """What one file gave: lines read, records made, the formats with their line counts, and the zone of its times."""

    file: str
    lines: int
    records: int
    formats: Mapping[str, int]
    zone: str | None = None
    bytes: int = 0


@dataclass(frozen=True)
class Logs:
    """A log table with the account of how it came about."""

    table: pl.DataFrame
    files: tuple[FileSummary, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @property
    def lines(self) -> int:
        """Physical lines read, skipped ones included."""
        return sum(f.lines for f in self.files)


@dataclass(frozen=True)
class Template:
    """A message with its variable parts masked; `id` is a hash of `text`, so it is the same in every run."""

    id: str
    text: str
    count: int = 0


@dataclass(frozen=True)
class SignatureHit:
    """A known failure text found in one service on one host about one place (peer, port, agent …).

    `records` are the first that hold it, `last` is the last one, `count` says how many; `captured` holds the named groups
    of the signature's pattern.
    """

    signature: str
    service: str
    host: str | None
    records: tuple[int, ...]
    count: int
    captured: Mapping[str, str] = field(default_factory=dict)
    last: int = 0


@dataclass(frozen=True)
class Hop:
    """One service's share in a story: times in UTC, its records, its worst level, and whether it failed."""

    service: str
    host: str | None
    request_id: str | None
    first: datetime | None
    last: datetime | None
    records: tuple[int, ...]
    worst: str
    failed: bool


@dataclass(frozen=True)
class Story:
    """One request or resource followed over services and hosts, in order of time."""

    key: str
    kind: str  # request, instance, volume, port, image
    hops: tuple[Hop, ...]
    failed: bool


@dataclass(frozen=True)
class CodeLocation:
    """Where in the source the fault sits; file as in the package, "nova/compute/manager.py"."""

    file: str
    class_name: str | None = None
    function: str | None = None


@dataclass(frozen=True)
class Call:
    """A kind of API call (in its route ids are *) and how it was answered."""

    method: str
    route: str
    status: int

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


@dataclass(frozen=True, kw_only=True)
class Clue:
    """One reason to hold a component responsible, or to call it a victim; the unit that hypotheses are weighed in.

    `key` only tells clues apart: those of equal kind, key and host are one reason however often they occur. `finding` names what was
    recognised, where the component does not say it: a signature's id, an exception's class, the hosts or services that it is about;
    lines of one finding are not shown again and again. `call` is the API call that was answered so.
    `weight` (0 to 1) says how strongly one such clue alone convinces, novelty included.
    `exculpates` names a component that this clue shows to be a victim; `on_site` says that it shows a line of code that no
    release has.
    """

    kind: ClueKind
    key: str
    finding: str = ""
    call: Call | None = None
    component: str
    host: str | None = None
    type: str
    role: ClueRole = "cause"
    weight: float
    reporter: str
    statement: str
    records: tuple[int, ...]
    count: int
    first: datetime | None
    last: datetime | None
    remediation: str = ""
    look_next: tuple[str, ...] = ()
    code: tuple[CodeLocation, ...] = ()
    exculpates: str | None = None
    on_site: bool = False


Period = tuple[datetime, datetime]
"""Begin and end, in UTC without zone."""

LONGEST_TIMER = timedelta(seconds=330)
"""An effect shows within this time of its cause: the longest timer is vif_plugging_timeout (300 s), and a report interval."""


@dataclass(frozen=True)
class Question:
    """What the issue text asks about: ids, names, hosts, components, HTTP statuses, times and words found in it.

    A time is a period (UTC): a moment that was named begins and ends at once, a day lasts from midnight to midnight.
    `outside` are the times, as they stand in the text, that no log covers. `everything` says that it speaks of everything, nobody,
    every command and the like.
    """

    text: str
    request_ids: tuple[str, ...] = ()
    uuids: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    times: tuple[Period, ...] = ()
    outside: tuple[str, ...] = ()
    everything: bool = False


@dataclass(frozen=True)
class Scores:
    """The scores of a line, each 0 to 1; None where a signal did not take part."""

    lstm: float | None = None
    vector: float | None = None
    tfidf: float | None = None
    fused: float | None = None


@dataclass(frozen=True)
class Evidence:
    """A line that stands in a file: `text` is the line as it stands there."""

    id: str
    file: str
    line: int
    time: datetime | None
    service: str
    host: str | None
    level: str
    text: str
    why: str
    scores: Scores = Scores()


@dataclass(frozen=True)
class Hypothesis:
    """A candidate cause before it is ranked: the clues for it, the score (0 to 1), and what explains it away, if anything.

    `explained_by` names the component whose failure accounts for this one's clues. `coverage` is the share (0 to 1) of the
    kinds of new warnings and errors that it accounts for.
    """

    component: str
    service: str
    host: str | None
    type: str
    score: float
    clues: tuple[Clue, ...]
    explained_by: str | None = None
    code: tuple[CodeLocation, ...] = ()
    coverage: float = 0.5


@dataclass(frozen=True)
class Cause:
    """A ranked cause; it may cite only evidence ids that exist in its report."""

    rank: int
    service: str
    component: str
    host: str | None
    type: str
    statement: str
    confidence: float
    evidence: tuple[str, ...]
    remediation: str = ""
    code: CodeLocation | None = None


@dataclass(frozen=True)
class Refuted:
    """A cause that was considered and rejected, with the evidence that refutes it."""

    statement: str
    why: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class TimelineEvent:
    """One line of the timeline."""

    time: datetime | None
    service: str
    host: str | None
    event: str
    evidence: str | None = None


@dataclass(frozen=True)
class Pattern:
    """A template that changed against the baseline: new, gone, more or less."""

    template: str
    service: str
    count: int
    baseline_count: int
    first: datetime | None
    last: datetime | None
    change: str


@dataclass(frozen=True)
class ServiceCount:
    """How many records a service wrote, how many at ERROR or above, how many relevant to the issue."""

    lines: int
    errors: int
    relevant: int


@dataclass(frozen=True)
class SimilarIncident:
    """A past incident like this one; unless `confirmed`, cause and solution are only what was found and recommended then."""

    id: str
    similarity: float
    cause: str
    solution: str
    confirmed: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """What an analyst concludes: ranked causes, refuted ones, and what to do next."""

    analyst: str
    inconclusive: bool
    causes: tuple[Cause, ...]
    evidence: tuple[Evidence, ...]
    refuted: tuple[Refuted, ...] = ()
    timeline: tuple[TimelineEvent, ...] = ()
    recommendations: tuple[str, ...] = ()
    next_checks: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = {e.id for e in self.evidence}
        cited = {i for c in self.causes for i in c.evidence} | {i for r in self.refuted for i in r.evidence}
        cited |= {t.evidence for t in self.timeline if t.evidence}
        if cited - known:
            raise ValueError(f"cited evidence does not exist: {sorted(cited - known)}")


@dataclass(frozen=True)
class Inputs:
    """What was read, what of it was relevant, and what was skipped."""

    lines: int
    files: int
    relevant: int
    skipped: tuple[Skipped, ...]
    zones: Mapping[str, str]


@dataclass(frozen=True)
class LlmUse:
    """What the language model cost."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    redacted: int = 0


@dataclass(frozen=True)
class Report:
    """All that one analysis says; every face shows this and nothing else.

    `part` says which part of logs with several times of trouble it is about; empty where there is one only.
    """

    created_at: datetime
    issue: str
    category: str
    severity: str
    mode: str
    diagnosis: Diagnosis
    patterns: tuple[Pattern, ...]
    service_distribution: Mapping[str, ServiceCount]
    affected_services: tuple[str, ...]
    similar_incidents: tuple[SimilarIncident, ...]
    inputs: Inputs
    seconds_by_stage: Mapping[str, float]
    llm: LlmUse = LlmUse()
    part: str = ""
    notes: tuple[str, ...] = ()
    stories: tuple[Story, ...] = field(default=(), compare=False)
    """The request that the first cause is proved by, followed: for the picture; not part of report.json."""
