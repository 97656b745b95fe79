"""Report → the dependency graph of the services that took part, with the way of the fault coloured."""

from collections import Counter, defaultdict, deque
from itertools import pairwise

from openstack_rca.correlation import ServiceGraph, load_topology
from openstack_rca.records import Report
from openstack_rca.reporting.figures import FAINT, GREY, ORANGE, RED, Figure, hover, labels, lines, marks, shown

_MOST = 12
_ABOVE = 0.15
"""How far above its mark a name stands, as a share of the distance of two rows."""


def graph_figure(report: Report) -> Figure:
    """Return who needs whom as a Plotly figure: the cause at the right, who suffers from it to the left of it.

    Columns are the steps to the cause (breadth first); empty when the report names no cause. The fault's way to or from a
    service of which no line is evidence is assumed.
    """
    if not report.diagnosis.causes:
        return {"data": [], "layout": {}}
    graph = load_topology()
    cause = report.diagnosis.causes[0].component
    suffering = [s for s in dict.fromkeys(_known(report.affected_services, graph)) if s != cause]
    ways = {start: way for start in suffering if (way := _way(graph, start, cause))}
    between = [node for way in ways.values() for node in way]
    nodes = list(dict.fromkeys([cause, *suffering, *between, *_others(report, graph)]))
    places = _places(nodes, graph, cause)
    fault = {edge for way in ways.values() for edge in pairwise(way)}
    proved = {cause, *_others(report, graph)}
    assumed = {edge for edge in fault if not proved.issuperset(edge)}
    edges = {(a, b) for a in nodes for b in nodes if b in graph.needs(a) and (b not in graph.shared or (a, b) in fault)}
    colour = {cause: RED} | dict.fromkeys(suffering, ORANGE)
    points = [places[n] for n in nodes]
    texts = [hover(n, _role(n, cause, suffering), _counts(report, n)) for n in nodes]
    return {
        "data": [
            lines("needs", _segments(edges - fault, places), FAINT, 1),
            lines("way of the fault", _segments(fault - assumed, places), RED, 3),
            *([lines("assumed", _segments(assumed, places), RED, 1.5, "dash")] if assumed else []),
            marks("service", points, texts, [colour.get(n, GREY) for n in nodes], 18, "circle") | {"showlegend": False},
            labels([(x, y + _ABOVE) for x, y in points], [shown(n) for n in nodes], "top center"),
        ],
        "layout": {
            "height": 90 + 62 * max(Counter(x for x, _ in points).values()),
            "margin": {"l": 10, "r": 10, "t": 30, "b": 10},
            "xaxis": {"visible": False, "range": [min(x for x, _ in points) - 0.5, 0.5]},
            "yaxis": {"visible": False, "range": [min(y for _, y in points) - 0.5, max(y for _, y in points) + 0.7]},
            "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
            "hovermode": "closest",
        },
    }  # fmt: skip


def _known(names: tuple[str, ...], graph: ServiceGraph) -> list[str]:
    return [found for name in names if (found := graph.resolve(name))]


def _others(report: Report, graph: ServiceGraph) -> list[str]:
    """Return the services whose lines are evidence; what only wrote routine has no place in the picture."""
    return list(dict.fromkeys(_known(tuple(e.service for e in report.diagnosis.evidence), graph)))[:_MOST]


def _way(graph: ServiceGraph, start: str, goal: str) -> list[str]:
    """Return the shortest way along what is needed, both ends included; empty when there is none."""
    before, queue = {start: start}, deque([start])
    while queue and goal not in before:
        here = queue.popleft()
        for there in sorted(graph.needs(here)):
            if there not in before:
                before[there] = here
                queue.append(there)
    if goal not in before:
        return []
    way = [goal]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]


def _places(nodes: list[str], graph: ServiceGraph, cause: str) -> dict[str, tuple[float, float]]:
    """Return x and y of each node: a column for each number of steps to the cause, no way at all being the most."""
    steps = {n: len(way) - 1 if (way := _way(graph, n, cause)) else None for n in nodes}
    far = max((s for s in steps.values() if s is not None), default=0) + 1
    columns: dict[int, list[str]] = defaultdict(list)
    for node in nodes:
        columns[far if (s := steps[node]) is None else s].append(node)
    return {
        node: (-float(column), row - (len(members) - 1) / 2)
        for column, members in columns.items()
        for row, node in enumerate(members)
    }


def _segments(
    edges: set[tuple[str, str]], places: dict[str, tuple[float, float]]
) -> list[tuple[float | None, float | None]]:
    return [p for a, b in sorted(edges) for p in (places[a], places[b], (None, None))]


def _role(name: str, cause: str, suffering: list[str]) -> str:
    return "the cause" if name == cause else "suffers" if name in suffering else "took part"


def _counts(report: Report, name: str) -> str:
    count = report.service_distribution.get(name)
    return f"{count.lines:,} records, {count.errors:,} errors, {count.relevant:,} relevant" if count else "no own log"
