"""The parts that the pictures of an incident are made of: figures as Plotly reads them, made without Plotly.

A figure is a dictionary, so the dashboard gives it to Plotly and the report to `svg`; both show the same picture.
Texts in it are escaped for Plotly, which takes a little HTML for markup.
"""

import html
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from openstack_rca.reporting.plain import cut, plain

Figure = dict[str, Any]
Trace = dict[str, Any]

RED, ORANGE, BLUE, GREY, FAINT = "#d03b3b", "#dd8a00", "#3d78d8", "#8a8f98", "#8a8f9866"
"""Cause, symptom, request, the rest; all of them can be told apart on white and on black, and by the colour-blind."""

_HOVER_COLUMNS, _HOVER_LENGTH = 90, 400


def shown(text: str) -> str:
    """Return a text so that Plotly shows it as it is."""
    return html.escape(plain(text), quote=False)


def hover(*lines: str) -> str:
    """Return lines as the text of a hover box, long ones cut and wrapped."""
    wrapped = (textwrap.wrap(cut(plain(line), _HOVER_LENGTH), _HOVER_COLUMNS) or [""] for line in lines if line)
    return "<br>".join(html.escape(part, quote=False) for parts in wrapped for part in parts)


def lines(name: str, points: Iterable[tuple[Any, Any]], colour: str, width: float, dash: str = "solid") -> Trace:
    """Return a trace of connected points; a point of None parts the line."""
    xs, ys = _apart(points)
    style = {"color": colour, "width": width, "dash": dash}
    return {"type": "scatter", "mode": "lines", "name": name, "x": xs, "y": ys, "line": style, "hoverinfo": "skip"}


def marks(
    name: str,
    points: Iterable[tuple[Any, Any]],
    texts: Sequence[str],
    colour: str | Sequence[str],
    size: int,
    symbol: str,
) -> Trace:
    """Return a trace of marks, each with the text of its hover box."""
    xs, ys = _apart(points)
    style = {"color": colour, "size": size, "symbol": symbol, "line": {"width": 0}}
    return {
        "type": "scatter", "mode": "markers", "name": name, "x": xs, "y": ys, "marker": style,
        "hovertext": list(texts), "hoverinfo": "text",
    }  # fmt: skip


def labels(points: Iterable[tuple[Any, Any]], texts: Sequence[str], place: str) -> Trace:
    """Return a trace of texts beside points; place as Plotly names it, "top center"."""
    xs, ys = _apart(points)
    return {
        "type": "scatter", "mode": "text", "x": xs, "y": ys, "text": list(texts), "textposition": place,
        "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip


def _apart(points: Iterable[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    pairs = list(points)
    return [x for x, _ in pairs], [y for _, y in pairs]
