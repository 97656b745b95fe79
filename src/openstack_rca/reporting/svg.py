"""A figure of `figures` → inline SVG: no script, sharp in print, the text of a hover box as the title of its mark."""

import html
import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from openstack_rca.reporting.figures import Figure, Trace
from openstack_rca.reporting.plain import plain

WIDTH = 960
_TOP, _BOTTOM, _LETTER = 30, 34, 7.2
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 604800)
"""Seconds between two ticks of a time axis."""


def svg(figure: Figure, title: str) -> str:
    """Return the figure as an SVG element that takes the width of its place; empty for a figure without data."""
    if not figure["data"]:
        return ""
    page = _Page(figure)
    parts = "".join([*page.axes(), *page.legend(), *page.shapes(), *(p for t in figure["data"] for p in page.trace(t))])
    return (
        f'<svg class="picture" role="img" viewBox="0 0 {WIDTH} {page.height}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{html.escape(plain(title))}</title>{parts}</svg>\n"
    )


class _Page:
    """The scales of one figure, and what is drawn with them."""

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        layout = figure["layout"]
        self.height = int(layout["height"])
        self._x, self._y = layout["xaxis"], layout["yaxis"]
        names = self._y.get("ticktext", ())
        self._left = 12 + max((len(html.unescape(n)) for n in names), default=0) * _LETTER
        self._dates = self._x.get("type") == "date"
        self._first, self._last = (self._number(v) for v in self._x["range"])

    def _number(self, value: Any) -> float:
        return datetime.fromisoformat(value).timestamp() if self._dates else float(value)

    def x(self, value: Any) -> float:
        """Return the horizontal place of a value."""
        share = (self._number(value) - self._first) / (self._last - self._first)
        return round(self._left + share * (WIDTH - self._left - 16), 1)

    def y(self, value: float) -> float:
        """Return the vertical place of a value; the second value of the axis' range is at the top."""
        bottom, top = map(float, self._y["range"])
        share = (value - top) / (bottom - top)
        return round(_TOP + share * (self.height - _TOP - _BOTTOM), 1)

    def axes(self) -> Iterator[str]:
        """Yield lanes with their names, and ticks with their times."""
        for value, name in zip(self._y.get("tickvals", ()), self._y.get("ticktext", ()), strict=True):
            y = self.y(value)
            yield f'<line class="lane" x1="{self._left:.1f}" x2="{WIDTH - 16}" y1="{y}" y2="{y}"/>'
            yield f'<text x="{self._left - 8:.1f}" y="{y + 4}" text-anchor="end">{_text(name)}</text>'
        if self._dates:
            for time in self._ticks():
                x = self.x(time.isoformat())
                yield f'<line class="lane" x1="{x}" x2="{x}" y1="{_TOP}" y2="{self.height - _BOTTOM}"/>'
                clock = f"{time:%H:%M:%S}" if self._last - self._first < 7200 else f"{time:%m-%d %H:%M}"
                yield f'<text x="{x}" y="{self.height - _BOTTOM + 15}" text-anchor="middle">{clock}</text>'
            label = self._x["title"]["text"]
            yield f'<text x="{WIDTH - 16}" y="{self.height - 4}" text-anchor="end">{_text(label)}</text>'

    def _ticks(self) -> Iterator[datetime]:
        span = self._last - self._first
        step = next((s for s in _STEPS if span / s <= 8), math.ceil(span / 8))
        tick = math.ceil(self._first / step) * step
        while tick <= self._last:
            if self.x(datetime.fromtimestamp(tick).isoformat()) < WIDTH - 40:  # its label would not fit
                yield datetime.fromtimestamp(tick)
            tick += step

    def legend(self) -> Iterator[str]:
        """Yield the names of the traces in a row above the picture, each with its sign."""
        x = 12.0
        for trace in self._figure["data"]:
            if trace.get("showlegend", True):
                name = trace["name"]
                if trace["mode"] == "lines":
                    yield f'<line x1="{x}" x2="{x + 16}" y1="14" y2="14" {_stroke(trace["line"])}/>'
                else:
                    yield _mark(trace["marker"]["symbol"], x + 8, 14, 10, trace["marker"]["color"], "")
                yield f'<text x="{x + 22}" y="18">{_text(name)}</text>'
                x = round(x + 38 + len(name) * 6.6, 1)

    def shapes(self) -> Iterator[str]:
        """Yield the upright lines through all lanes with what they mean."""
        for shape in self._figure["layout"].get("shapes", ()):
            x = self.x(shape["x0"])
            yield f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{self.height - _BOTTOM}" {_stroke(shape["line"])}/>'
        for note in self._figure["layout"].get("annotations", ()):
            place = f'x="{self.x(note["x"]) + 4}" y="{self.height - _BOTTOM - 4}"'
            yield f'<text {place} fill="{note["font"]["color"]}" class="note">{_text(note["text"])}</text>'

    def trace(self, trace: Trace) -> Iterator[str]:
        """Yield what one trace draws."""
        points = [(None if x is None else (self.x(x), self.y(y))) for x, y in zip(trace["x"], trace["y"], strict=True)]
        if trace["mode"] == "lines":
            path, pen = "", "M"
            for point in points:
                path += f"{pen}{point[0]} {point[1]}" if point else ""
                pen = "L" if point else "M"
            if path:
                yield f'<path d="{path}" fill="none" stroke-linejoin="round" {_stroke(trace["line"])}/>'
        elif trace["mode"] == "markers":
            style = trace["marker"]
            for number, point in enumerate(points):
                colour = style["color"] if isinstance(style["color"], str) else style["color"][number]
                if point:
                    yield _mark(style["symbol"], *point, style["size"], colour, trace["hovertext"][number])
        else:
            for point, text in zip(points, trace["text"], strict=True):
                if point:
                    yield f'<text x="{point[0]}" y="{point[1] - 6:.1f}" text-anchor="middle">{_text(text)}</text>'


def _text(escaped: str) -> str:
    """Return a text that was escaped for Plotly as SVG text."""
    return html.escape(html.unescape(escaped.replace("<br>", "\n")))


def _stroke(line: dict[str, Any]) -> str:
    dashed = ' stroke-dasharray="6 4"' if line["dash"] == "dash" else ""
    return f'stroke="{line["color"]}" stroke-width="{line["width"]}"{dashed}'


def _mark(symbol: str, x: float, y: float, size: float, colour: str, text: str) -> str:
    half = size / 2
    title = f"<title>{_text(text)}</title>" if text else ""
    if symbol == "circle":
        return f'<circle cx="{x}" cy="{y}" r="{half}" fill="{colour}">{title}</circle>'
    turn = f' transform="rotate(45 {x} {y})"' if symbol == "diamond" else ""
    side = size * (0.8 if symbol == "diamond" else 0.9)
    corner = f'x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}"'
    return f'<rect {corner} fill="{colour}"{turn}>{title}</rect>'
