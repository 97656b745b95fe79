"""Diagnosis and table -> report: category, severity, counts by service, and the account of what was read."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from openstack_rca.contracts import Topology
from openstack_rca.diagnosis import RELEVANT, Case
from openstack_rca.records import Diagnosis, Inputs, Logs, Pattern, Report, ServiceCount, Story

_CATEGORIES = {
    "service-down": "Service Availability",
    "dependency-unreachable": "Service Availability",
    "resource-exhaustion": "Resource Management",
    "quota": "Resource Management",
    "misconfiguration": "Configuration",
    "auth-failure": "Authentication and Authorization",
    "timeout": "Performance",
    "network": "Networking",
    "storage": "Storage",
    "data-corruption": "Storage",
    "bug": "Software Defect",
}


def summarise(
    *,
    case: Case,
    diagnosis: Diagnosis,
    mode: str,
    patterns: tuple[Pattern, ...],
    logs: Logs,
    seconds: Mapping[str, float],
    now: datetime,
    notes: tuple[str, ...] = (),
    part: str = "",
) -> Report:
    """Return the report that every face shows."""
    distribution = _distribution(case.table)
    first = diagnosis.causes[0] if diagnosis.causes else None
    zones = {f.file: f.zone for f in logs.files if f.zone}
    return Report(
        created_at=now,
        issue=case.question.text,
        category=_CATEGORIES.get(first.type, "Unknown") if first else "Unknown",
        severity=_severity(diagnosis, distribution, case.topology),
        mode=mode,
        diagnosis=diagnosis,
        patterns=patterns,
        service_distribution=distribution,
        affected_services=_affected(diagnosis, case.table, case.topology),
        similar_incidents=(),
        inputs=Inputs(
            lines=logs.lines,
            files=len(logs.files),
            relevant=int((case.table["relevance"] >= RELEVANT).sum()),
            skipped=logs.skipped,
            zones=zones,
        ),
        seconds_by_stage=seconds,
        part=part,
        notes=notes,
        stories=_telling(diagnosis, case.stories),
    )


def _telling(diagnosis: Diagnosis, stories: Sequence[Story]) -> tuple[Story, ...]:
    """Return the story of a request that a line for the first cause belongs to; the errors among them are asked first."""
    cited = set(diagnosis.causes[0].evidence) if diagnosis.causes else set()
    lines = sorted((e for e in diagnosis.evidence if e.id in cited), key=lambda e: e.level not in ("ERROR", "CRITICAL"))
    for line in lines:
        for story in stories:
            if any(i and i in line.text for i in (story.key, *(hop.request_id for hop in story.hops))):
                return (story,)
    return ()


def _distribution(table: pl.DataFrame) -> dict[str, ServiceCount]:
    rows = (
        table.group_by("service")
        .agg(
            pl.len().alias("lines"),
            (pl.col("level") >= "ERROR").sum().alias("errors"),
            (pl.col("relevance") >= RELEVANT).sum().alias("relevant"),
        )
        .sort("relevant", "errors", "lines", "service", descending=[True, True, True, False])
    )
    return {s or "unknown": ServiceCount(n, e, r) for s, n, e, r in rows.iter_rows()}


def _affected(diagnosis: Diagnosis, table: pl.DataFrame, graph: Topology) -> tuple[str, ...]:
    """Name the component under suspicion, those that write novel errors, and services that complain in the lines cited for it."""
    novel = table.filter((pl.col("level") >= "ERROR") & (pl.col("novelty") > 0.5))
    writing = (
        novel.group_by("service")
        .len()
        .sort("len", "service", descending=[True, False])["service"]
        .drop_nulls()
        .cast(pl.String)
        .to_list()
    )
    first = [c.component for c in diagnosis.causes[:1]]
    cited = {e for c in diagnosis.causes[:1] for e in c.evidence}
    told = [e.service for e in diagnosis.evidence if e.id in cited and e.level in ("WARNING", "ERROR", "CRITICAL")]
    complaining = [name for name in told if name and not graph.is_infrastructure(name)]
    return tuple(dict.fromkeys([*first, *writing, *complaining]))


def _severity(diagnosis: Diagnosis, distribution: Mapping[str, ServiceCount], graph: Topology) -> str:
    """Return critical when shared infrastructure or many services fail, low when nothing is sure."""
    if diagnosis.inconclusive or not diagnosis.causes:
        return "low"
    suffering = sum(1 for c in distribution.values() if c.errors and c.relevant)
    if graph.is_infrastructure(diagnosis.causes[0].component) or suffering >= 6:
        return "critical"
    return "high" if suffering >= 3 or diagnosis.causes[0].type == "service-down" else "medium"
