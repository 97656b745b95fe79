"""Report → the incident picture: services as lanes over time, the failing request's way, cause and symptoms.

`incident_figure` is drawn by Plotly in the dashboard and by `svg` in the HTML report.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from openstack_rca.diagnosis.redaction import masked
from openstack_rca.records import UUID, Evidence, Report, Story
from openstack_rca.reporting.figures import (
    BLUE,
    FAINT,
    GREY,
    ORANGE,
    RED,
    Figure,
    Trace,
    hover,
    lines,
    marks,
    shown,
)

_REQUEST = re.compile(rf"req-{UUID}")
_LOUD = ("ERROR", "CRITICAL")
_MOST_LANES = 14
_ROW = 36
_ISO = "%Y-%m-%dT%H:%M:%S.%f"


def failing_request(report: Report) -> str | None:
    """Return the id of the request that tells most: of an error that proves the first cause, if there is one."""
    return next(iter(_requests(report)), None)


def _requests(report: Report) -> dict[str, set[str]]:
    """Return the services by request id: those of the cause's errors first, then of its other lines, then the rest."""
    cited = report.diagnosis.causes[0].evidence if report.diagnosis.causes else ()
    order = {evidence: place for place, evidence in enumerate(cited)}
    places: dict[str, set[str]] = defaultdict(set)
    rank: dict[str, tuple[bool, int]] = {}
    for line in report.diagnosis.evidence:
        for request in set(_REQUEST.findall(line.text)):
            places[request].add(line.service)
            here = (line.id not in order or line.level not in _LOUD, order.get(line.id, len(order)))
            rank[request] = min(rank.get(request, here), here)
    ranked = sorted(places, key=lambda request: (rank[request], -len(places[request]), request))
    return {request: places[request] for request in ranked}


def incident_figure(report: Report, stories: Sequence[Story] = ()) -> Figure:
    """Return the picture as a Plotly figure; without `stories` the request's way is read off the evidence.

    Empty (no data) when no line of evidence has a time.
    """
    timed = [line for line in report.diagnosis.evidence if line.time]
    if not timed:
        return {"data": [], "layout": {}}
    lanes = _lanes(report, timed, stories)
    start, end = _range(timed, stories)
    traces = [
        *_changes(report, lanes, start, end),
        *_way(report, timed, stories, lanes),
        *_evidence(report, [line for line in timed if _lane(line.service, line.host) in lanes], lanes),
    ]
    return {"data": traces, "layout": _layout(report, lanes, start, end)}


def _lane(service: str, host: str | None) -> str:
    return f"{service} @ {host}" if host else service


def _lanes(report: Report, timed: Sequence[Evidence], stories: Sequence[Story]) -> dict[str, int]:
    """Return the row of each lane from 0 at the top: the cause first, then by the time of the first line."""
    first = {_lane(line.service, line.host): line.time for line in sorted(timed, key=_when, reverse=True) if line.time}
    for hop in (hop for story in stories for hop in story.hops):
        lane = _lane(hop.service, hop.host)
        if hop.first:
            first[lane] = min(first.get(lane, hop.first), hop.first)
    cause = report.diagnosis.causes[0] if report.diagnosis.causes else None
    accused = [name for name in first if cause and name.split(" @ ")[0] == cause.component]
    telling = [n for n in first if n not in accused]
    ordered = [*accused, *sorted(telling, key=lambda n: first[n])]
    return {name: row for row, name in enumerate(ordered[:_MOST_LANES])}


def _when(line: Evidence) -> datetime:
    return line.time or datetime.max


def _range(timed: Sequence[Evidence], stories: Sequence[Story]) -> tuple[datetime, datetime]:
    times = [line.time for line in timed if line.time]
    times += [t for story in stories for hop in story.hops for t in (hop.first, hop.last) if t]
    first, last = min(times), max(times)
    margin = max((last - first) * 0.04, timedelta(seconds=1))
    return first - margin, last + margin


def _changes(report: Report, lanes: dict[str, int], start: datetime, end: datetime) -> list[Trace]:
    """Return a faint bar in the lanes of each service from the first to the last of the lines that health never saw."""
    bars: list[tuple[str | None, int | None]] = []
    for lane, row in lanes.items():
        spans = [(p.first, p.last) for p in report.patterns if p.service == lane.split(" @ ")[0]]
        inside = [(max(a, start), min(b, end)) for a, b in spans if a and b and a < end and b > start]
        if inside:
            bars += [(f"{min(a for a, _ in inside):{_ISO}}", row), (f"{max(b for _, b in inside):{_ISO}}", row)]
            bars.append((None, None))
    return [lines("writes unusual lines", bars, FAINT, 12)] if bars else []


def _way(report: Report, timed: Sequence[Evidence], stories: Sequence[Story], lanes: dict[str, int]) -> list[Trace]:
    """Return the way of the failing request through the lanes, and a mark at each of its stops."""
    if stories:
        request: str | None = stories[0].key
        hops = [h for h in stories[0].hops if h.first and _lane(h.service, h.host) in lanes]
        stops = [(h.first, _lane(h.service, h.host), "failed here" if h.failed else "passed") for h in hops]
    else:
        request = next((r for r, services in _requests(report).items() if len(services) > 1), None)
        own = sorted((e for e in timed if request and request in e.text), key=_when)
        stops = [(e.time, _lane(e.service, e.host), e.id) for e in own if _lane(e.service, e.host) in lanes]
    if request is None or len({lane for _, lane, _ in stops}) < 2:
        return []
    points = [(f"{time:{_ISO}}", lanes[lane]) for time, lane, _ in stops]
    texts = [hover(request, f"{lane}: {what}") for _, lane, what in stops]
    name = f"request {request[:12]}…"
    return [lines(name, points, BLUE, 2), marks(name, points, texts, BLUE, 7, "circle") | {"showlegend": False}]


def _evidence(report: Report, timed: Sequence[Evidence], lanes: dict[str, int]) -> list[Trace]:
    """Return the marks of the evidence: of the first cause, of others at ERROR or above, and of the rest."""
    causes = report.diagnosis.causes
    cited = set(causes[0].evidence) if causes else set()
    groups = (
        ("other evidence", GREY, 8, "circle", [e for e in timed if e.id not in cited and e.level not in _LOUD]),
        ("symptom (error)", ORANGE, 11, "square", [e for e in timed if e.id not in cited and e.level in _LOUD]),
        ("speaks for the cause", RED, 14, "diamond", [e for e in timed if e.id in cited]),
    )
    traces = []
    for name, colour, size, symbol, chosen in groups:
        if chosen:
            points = [(f"{e.time:{_ISO}}", lanes[_lane(e.service, e.host)]) for e in chosen]
            texts = [hover(f"{e.id} · {e.file}:{e.line} · {e.time:%T} · {e.level}", masked(e.text)) for e in chosen]
            traces.append(marks(name, points, texts, colour, size, symbol) | {"customdata": [e.id for e in chosen]})
    return traces


def _layout(report: Report, lanes: dict[str, int], start: datetime, end: datetime) -> Figure:
    onset = next((e.time for e in report.diagnosis.timeline if e.evidence is None and e.time), None)
    inside = onset is not None and start <= onset <= end
    return {
        "height": 110 + _ROW * len(lanes),
        "margin": {"l": 10, "r": 10, "t": 30, "b": 40},
        "xaxis": {"type": "date", "range": [f"{start:{_ISO}}", f"{end:{_ISO}}"], "title": {"text": f"UTC, {start:%F}"}},
        "yaxis": {
            "tickvals": list(lanes.values()), "ticktext": [shown(name) for name in lanes], "automargin": True,
            "range": [len(lanes) - 0.4, -0.6], "zeroline": False,
        },
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        "hovermode": "closest",
        "shapes": [
            {"type": "line", "x0": f"{onset:{_ISO}}", "x1": f"{onset:{_ISO}}", "y0": 0, "y1": 1, "yref": "paper",
             "line": {"color": RED, "width": 1.5, "dash": "dash"}}
        ] if inside else [],
        "annotations": [
            {"x": f"{onset:{_ISO}}", "y": 0, "yref": "paper", "yanchor": "bottom", "xanchor": "left", "text": "onset",
             "showarrow": False, "font": {"color": RED}}
        ] if inside else [],
    }  # fmt: skip
