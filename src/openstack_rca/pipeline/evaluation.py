"""Cases with a known truth -> scores, beside those of the trivial rules."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from openstack_rca.correlation import load_topology
from openstack_rca.pipeline.analysis import AnalysisRequest, analyze, mine
from openstack_rca.pipeline.cases import TrueCase, load_cases
from openstack_rca.pipeline.memory import without_memory
from openstack_rca.pipeline.reading import from_level, read_logs
from openstack_rca.pipeline.trivial import trivial_answers
from openstack_rca.records import Cause, Evidence, Report
from openstack_rca.settings import Settings
from openstack_rca.sources import PathSource

Row = dict[str, Any]
RATES = ("service@1", "service@3", "component@1", "component@3", "type@1", "host@1", "file@1", "file@3", "function@1")
_SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
_BINS = 5


@dataclass(frozen=True)
class Evaluation:
    """The rows (one a case), the scores over all of them, and those of each trivial rule; None where nothing was asked.

    `reliability` is mean confidence of the first cause, share of cases where it was right, and their number, for each
    fifth of the scale that a case fell into.
    """

    rows: list[Row]
    scores: dict[str, float]
    baselines: dict[str, dict[str, float]]
    cases: int
    reliability: list[tuple[float, float, int]]


def evaluate(
    cases: Path,
    settings: Settings,
    baseline: Path | None = None,
    fast: bool = False,
    part: str = "all",
    progress: Callable[[str], None] = lambda case: None,
    level: str | None = None,
    alone: bool = False,
    memory: bool = False,
) -> Evaluation:
    """Return the scores over the cases below a folder; the analysis never sees their truth.

    Without `memory` past incidents take no part, so that the scores are the same wherever they are computed.
    A rate counts only the cases whose truth names what it is about; host@1 only those of a program that runs on many hosts.
    Records below `level` are left out first; `alone` leaves out every baseline.
    """
    rows = []
    settings = settings if memory else without_memory(settings)
    for case in load_cases(cases, baseline, part):
        progress(case.id)
        rows.append(_row(replace(case, baseline=None) if alone else case, settings, fast, level))
    names = list(dict.fromkeys(name for row in rows for name in row["trivial"]))
    rules = {name: _rates([r["trivial"][name] for r in rows]) for name in names}
    return Evaluation(rows, _scores(rows), rules, len(rows), _reliability(rows))


def _row(case: TrueCase, settings: Settings, fast: bool, level: str | None) -> Row:
    request = AnalysisRequest(
        case.issue, (case.logs,), (case.baseline,) if case.baseline else (), fast=fast, level=level, llm=False
    )
    report = analyze(request, settings)
    table = from_level(read_logs(request.logs, settings).table, level)
    healthy = from_level(read_logs(request.baseline, settings).table, level) if request.baseline else None
    causes = report.diagnosis.causes
    truth = case.truth
    first = causes[0] if causes else None
    found, wanted = _recall(truth.get("evidence") or (), report.diagnosis.evidence)
    return {
        "case": case.id,
        **judge(truth, [answer_of(c) for c in causes]),
        "cause": f"{first.component} {first.type}" if first else "-",
        "confidence": first.confidence if first else 0.0,
        "inconclusive": report.diagnosis.inconclusive,
        "evidence_found": found,
        "evidence_wanted": wanted,
        "decisive": _decisive(truth, report.diagnosis.evidence, table) if wanted == 0 else found > 0,
        "no_error": table.filter(pl.col("level") >= "ERROR").is_empty(),
        "false_citations": false_citations(report, case.logs),
        "lines_in": report.inputs.lines,
        "lines_shown": len(report.diagnosis.evidence),
        "seconds": sum(report.seconds_by_stage.values()),
        "trivial": _trivial(truth, table, healthy),
    }


def answer_of(cause: Cause) -> dict[str, str | None]:
    """Return what a cause names, by what it is judged on."""
    code = cause.code
    return {
        "service": cause.service,
        "component": cause.component,
        "type": cause.type,
        "host": cause.host,
        "file": code.file if code else None,
        "function": code.function if code else None,
    }


def judge(truth: Mapping[str, Any], answers: list[dict[str, str | None]]) -> Row:
    """Return for each rate whether the answers, best first, meet the truth; None where the truth does not name it."""
    graph = load_topology()
    named = truth.get("root_cause_component")
    component = graph.resolve(named) or named
    service = truth.get("root_cause_service") or (graph.family(component) if component else None)
    many = component is not None and graph.is_per_host(component)
    wanted = {
        "service": service,
        "component": component,
        "type": truth.get("root_cause_type") if component else None,
        "host": truth.get("root_cause_host") if many else None,
        "file": truth.get("root_cause_file"),
        "function": truth.get("root_cause_function"),
    }
    result: Row = {}
    for rate in RATES:
        name, depth = rate.split("@")
        asked = wanted[name]
        result[rate] = None if asked is None else any(a.get(name) == asked for a in answers[: int(depth)])
    return result


def _trivial(truth: Mapping[str, Any], table: pl.DataFrame, baseline: pl.DataFrame | None) -> dict[str, Row]:
    table, baseline, _ = mine(table, baseline)
    answers = trivial_answers(table, baseline, load_topology())
    return {name: judge(truth, [answer]) for name, answer in answers.items()}


def _decisive(truth: Mapping[str, Any], evidence: Iterable[Evidence], table: pl.DataFrame) -> bool | None:
    """Return whether a record that names the faulty source file is shown; None when no record does."""
    if not truth.get("root_cause_file"):
        return None
    text = pl.concat_str("message", "detail", separator="\n", ignore_nulls=True)
    naming = table.filter(text.str.contains(str(truth["root_cause_file"]), literal=True)).select(
        "file", "line", "lines"
    )
    if naming.is_empty():
        return None
    shown = {(_plain_name(e.file), e.line) for e in evidence}
    return any(
        _plain_name(file) == name and first <= line < first + lines
        for file, first, lines in naming.iter_rows()
        for name, line in shown
    )


def _recall(wanted: Iterable[Mapping[str, str]], evidence: Iterable[Evidence]) -> tuple[int, int]:
    """Return how many of the wanted lines are among the evidence, and how many were wanted."""
    wanted, shown = list(wanted), [(_plain_name(e.file), e.text) for e in evidence]
    found = sum(
        any(name.endswith(_plain_name(w["file"])) and re.search(w["line_regex"], text) for name, text in shown)
        for w in wanted
    )
    return found, len(wanted)


def _plain_name(file: str) -> str:
    return next((file.removesuffix(s) for s in _SUFFIXES if file.endswith(s)), file)


def false_citations(report: Report, logs: Path) -> int:
    """Return how many cited lines do not stand at their place in the files, read again and compared."""
    wrong = 0
    by_file: dict[str, list[Evidence]] = {}
    for e in report.diagnosis.evidence:
        by_file.setdefault(e.file, []).append(e)
    for raw in PathSource([logs]).files():
        cited = by_file.pop(raw.name, [])
        if not cited:
            continue
        lines = b"".join(raw.chunks()).split(b"\n")
        for e in cited:
            there = lines[e.line - 1].rstrip(b"\r") if e.line <= len(lines) else b""
            wrong += e.text.encode() != there and e.text.encode("latin-1", "replace") != there
    return wrong + sum(map(len, by_file.values()))


def _rates(rows: list[Row]) -> dict[str, float]:
    rates = {}
    for rate in RATES:
        judged = [r[rate] for r in rows if r[rate] is not None]
        if judged:
            rates[rate] = sum(judged) / len(judged)
    return rates


def _scores(rows: list[Row]) -> dict[str, float]:
    scores = _rates(rows)
    wanted = sum(r["evidence_wanted"] for r in rows)
    if wanted:
        scores["evidence recall"] = sum(r["evidence_found"] for r in rows) / wanted
    for name, kept in {
        "service@1, no ERROR": [r["service@1"] for r in rows if r["no_error"] and r["service@1"] is not None],
        "decisive line shown": [r["decisive"] for r in rows if r["decisive"] is not None],
    }.items():
        if kept:
            scores[name] = sum(kept) / len(kept)
    scores["false citations"] = float(sum(r["false_citations"] for r in rows))
    scores["inconclusive"] = sum(r["inconclusive"] for r in rows) / len(rows)
    scores["lines removed"] = 1 - sum(r["lines_shown"] for r in rows) / max(1, sum(r["lines_in"] for r in rows))
    scores["lines in per line shown"] = sum(r["lines_in"] for r in rows) / max(1, sum(r["lines_shown"] for r in rows))
    scores["seconds a case"] = sum(r["seconds"] for r in rows) / len(rows)
    return scores


def _reliability(rows: list[Row]) -> list[tuple[float, float, int]]:
    judged = [(r["confidence"], r["service@1"] if r["component@1"] is None else r["component@1"]) for r in rows]
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in judged:
        if right is not None:
            bins.setdefault(min(_BINS - 1, int(confidence * _BINS)), []).append((confidence, right))
    return [
        (sum(c for c, _ in held) / len(held), sum(r for _, r in held) / len(held), len(held))
        for _, held in sorted(bins.items())
    ]
