"""The main job: logs and an issue in, a report out; the stages in their order."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import polars as pl

from openstack_rca.correlation import (
    clock_clues,
    clock_errors,
    failed_roots,
    follow,
    patterns,
    sayers,
    topology_of,
    unconcerned,
    understand,
    unmet,
    with_root,
    with_true_time,
)
from openstack_rca.diagnosis import Case, OfflineAnalyst, with_relevance
from openstack_rca.errors import UsageError
from openstack_rca.pipeline.asking import Heard, consult, is_wanted, preview
from openstack_rca.pipeline.focus import examine, focus
from openstack_rca.pipeline.memory import recall
from openstack_rca.pipeline.reading import cite, from_level, read_logs, span, within
from openstack_rca.pipeline.scoring import with_scores
from openstack_rca.pipeline.summary import summarise
from openstack_rca.records import Logs, Report
from openstack_rca.settings import Settings, zone_of
from openstack_rca.templates import DrainMiner

Progress = Callable[[str], None]


@dataclass(frozen=True)
class AnalysisRequest:
    """What the user asks for; times in UTC without zone. Records below `level` (INFO, …) are not looked at."""

    issue: str
    logs: tuple[Path, ...]
    baseline: tuple[Path, ...] = ()
    fast: bool = False
    since: datetime | None = None
    until: datetime | None = None
    level: str | None = None
    llm: bool | None = None
    investigate: bool = False
    fresh: bool = False


@dataclass
class Stopwatch:
    """Seconds by stage, in the order of the stages."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside and announce it."""
        self.progress(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


def analyze(
    request: AnalysisRequest,
    settings: Settings,
    progress: Progress = lambda stage: None,
    heard: Heard | None = None,
) -> Report:
    """Return the report on an issue from the logs given; `heard` gets the words of the language model as they come.

    Raises UsageError for an empty issue, InputError and NothingToRead for logs that cannot be used, UnavailableError when
    the language model was asked for by name and is not there.
    """
    asking = is_wanted(request.llm, settings)
    watch = Stopwatch(progress)
    case, report = prepare(request, settings, watch)
    if not asking:
        return report
    with watch.stage("ask"):
        report = consult(case, report, settings, investigating=request.investigate, fresh=request.fresh, heard=heard)
    return replace(report, seconds_by_stage=watch.seconds)


def dry_run(request: AnalysisRequest, settings: Settings, progress: Progress = lambda stage: None) -> str:
    """Return exactly what the language model would be sent, and its size; raises like `analyze`."""
    case, report = prepare(request, settings, Stopwatch(progress))
    return preview(case, report, settings, investigating=request.investigate)


def prepare(request: AnalysisRequest, settings: Settings, watch: Stopwatch) -> tuple[Case, Report]:
    """Return the case and the offline report on it; raises like `analyze`."""
    if not request.issue.strip():
        raise UsageError(
            'The issue is empty: say in a few words what does not work, for example "New servers go to ERROR".'
        )
    with watch.stage("read"):
        logs = read_logs(request.logs, settings)
        baseline = from_level(read_logs(request.baseline, settings).table, request.level) if request.baseline else None
        table = within(from_level(logs.table, request.level), request.since, request.until)
    with watch.stage("templates"):
        table, baseline, texts = mine(table, baseline)
    return _diagnose(request, settings, watch, logs, table, baseline, texts)


def _diagnose(
    request: AnalysisRequest,
    settings: Settings,
    watch: Stopwatch,
    logs: Logs,
    table: pl.DataFrame,
    baseline: pl.DataFrame | None,
    texts: dict[str, str],
) -> tuple[Case, Report]:
    graph = topology_of(table)
    with watch.stage("correlate"):
        table = with_root(table)
        clocks = clock_errors(table)
        table = with_true_time(table, clocks)
        hosts = [h for h in table["host"].cast(pl.String).unique().to_list() if h]
        question = understand(request.issue, graph, hosts, span(table), zone_of(settings.timezone))
        if request.since and request.until:
            part, where = examine(table, baseline, question, graph, question.times), ""
        else:
            part, where = focus(table, baseline, question, graph)
        missing = (*unmet(question, table, span(table)), *unconcerned(question, part.clues, graph))
        table = part.table
        stories = follow(table, list(dict.fromkeys([*part.asked, *failed_roots(table)])))
        skewed = clock_clues(table, clocks)
    with watch.stage("score"):
        table, notes, full = with_scores(table, baseline, texts, request.issue, settings, request.fast)
    with watch.stage("diagnose"):
        table = with_relevance(table, part.asked, _weights(settings))
        case = Case(
            question=question,
            table=table,
            clues=(*part.clues, *skewed),
            stories=stories,
            onset=part.began,
            topology=graph,
            cite=partial(cite, request.logs, table),
            sayers=sayers(table["logger"].drop_nulls().unique()),
            unmet=missing,
            compared=baseline is not None,
        )
        diagnosis = OfflineAnalyst(settings.analysis).diagnose(case)
    told = partial(
        summarise,
        case=case,
        patterns=patterns(part.change, part.gone, texts),
        logs=logs,
        seconds=watch.seconds,
        now=datetime.now(UTC).replace(tzinfo=None),
        part=where,
    )
    notes = (*(f"{c.statement[0].upper()}{c.statement[1:]}." for c in skewed), *notes)
    report = told(diagnosis=diagnosis, mode="full" if full else "fast", notes=notes)
    if full:
        with watch.stage("remember"):
            known = recall(report, settings)
        if known.diagnosis != diagnosis:
            # what was confirmed before ranks first now, so all that hangs on it is told anew
            report = told(diagnosis=known.diagnosis, mode=known.mode, notes=known.notes)
        report = replace(report, mode=known.mode, notes=known.notes, similar_incidents=known.similar_incidents)
    return case, replace(report, seconds_by_stage=watch.seconds)


def mine(
    table: pl.DataFrame, baseline: pl.DataFrame | None
) -> tuple[pl.DataFrame, pl.DataFrame | None, dict[str, str]]:
    """Give logs and baseline the same template ids by mining them together."""
    miner = DrainMiner()
    if baseline is None:
        table = miner.assign(table)
        return table, None, {t.id: t.text for t in miner.templates.values()}
    both = miner.assign(pl.concat([baseline, table]))
    texts = {t.id: t.text for t in miner.templates.values()}
    return both.tail(table.height), both.head(baseline.height), texts


def _weights(settings: Settings) -> tuple[float, float, float]:
    a = settings.analysis
    return a.level_weight, a.novelty_weight, a.issue_weight
