"""Log tables → Plotly figures: lines over time by level or service, bursts of errors, the hops of a request."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import streamlit as st

from openstack_rca.records import LEVELS, Story
from openstack_rca.reporting.figures import BLUE, GREY, ORANGE, RED, Figure, hover, shown

LEVEL_COLOURS = {"DEBUG": "#b8bcc4", "INFO": "#7a9bd4", "WARNING": ORANGE, "ERROR": RED, "CRITICAL": "#7d1128"}
_SERVICE_COLOURS = ("#3d78d8", "#dd8a00", "#2f9e77", "#a05bc4", "#d03b3b", "#5a9bb8", "#8c6d31", "#c2579b", GREY)
_BUCKETS = 120
_ISO = "%Y-%m-%dT%H:%M:%S.%f"
_ROOM = {"modebar": {"orientation": "v"}, "margin": {"l": 10, "r": 46, "t": 30, "b": 30}}
"""The bar of buttons stands beside the picture, not on it."""
_SMALL = {"height": 230, "margin": {"l": 10, "r": 10, "t": 30, "b": 30}}
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)


def draw(figure: Figure, key: str, *, bar: bool = True) -> None:
    """Give a figure to Plotly; small ones go without the bar of buttons."""
    import plotly.graph_objects as go

    legend = {"legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"}}
    made = go.Figure(data=figure["data"], layout=legend | figure["layout"] | (_ROOM if bar else _SMALL))
    config = {"displaylogo": False, "scrollZoom": False, "displayModeBar": "hover" if bar else False}
    st.plotly_chart(made, key=key, config=config)


def bucketed(table: pl.DataFrame, by: str) -> tuple[pl.DataFrame, int]:
    """Return the records of each bucket of time and each value of a column, and the width of a bucket in seconds."""
    timed = table.lazy().filter(pl.col("time").is_not_null())
    first, last = timed.select(pl.col("time").min(), last=pl.col("time").max()).collect().row(0)
    if first is None:
        return pl.DataFrame(schema={"bucket": pl.Datetime("us"), by: pl.String, "records": pl.UInt32}), 1
    span = (last - first).total_seconds()
    step = next((s for s in _STEPS if span / s <= _BUCKETS), int(span / _BUCKETS) + 1)
    counts = (
        timed.group_by(
            pl.col("time").dt.truncate(f"{step}s").alias("bucket"), pl.col(by).cast(pl.String).fill_null("unknown")
        )
        .agg(records=pl.len())
        .sort("bucket")
    )
    return counts.collect(), step


def over_time(table: pl.DataFrame, by: str, began: datetime | None) -> Figure:
    """Return the lines over time as stacked bars by level or by service, with bursts of errors and the onset marked."""
    counts, step = bucketed(table, by)
    names = _names(counts, by)
    colours = LEVEL_COLOURS if by == "level" else dict(zip(names, _SERVICE_COLOURS, strict=False))
    kept = counts.with_columns(pl.when(pl.col(by).is_in(names)).then(pl.col(by)).otherwise(pl.lit("others")).alias(by))
    kept = kept.group_by("bucket", by).agg(pl.col("records").sum()).sort("bucket")
    data = []
    for name in [*names, *(["others"] if "others" in kept[by] else [])]:
        part = kept.filter(pl.col(by) == name)
        data.append({
            "type": "bar", "name": shown(name), "x": _iso(part["bucket"]), "y": part["records"].to_list(),
            "marker": {"color": colours.get(name, GREY), "line": {"width": 0}}, "width": step * 1000,
            "offset": 0, "hovertemplate": "%{y} lines at %{x|%H:%M:%S}",
        })  # fmt: skip
    data += _bursts(table)
    return {"data": data, "layout": {"barmode": "stack", "bargap": 0, "height": 300, **onset_marks(began),
                                     "xaxis": {"type": "date"}, "hovermode": "closest"}}  # fmt: skip


def _names(counts: pl.DataFrame, by: str) -> list[str]:
    there = counts.group_by(by).agg(pl.col("records").sum()).sort("records", descending=True)[by].to_list()
    return [level for level in LEVELS if level in there] if by == "level" else there[: len(_SERVICE_COLOURS) - 1]


def bursts(table: pl.DataFrame) -> pl.DataFrame:
    """Return the buckets with far more errors than usual (mean + 3 deviations, at least 3): `bucket` and `records`."""
    errors, step = bucketed(table.filter(pl.col("level") >= "ERROR"), "level")
    if errors.is_empty():
        return errors.select("bucket", "records")
    first, last = table["time"].min(), table["time"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    buckets = max(1, int((last - first).total_seconds() / step) + 1)
    per = errors.group_by("bucket").agg(pl.col("records").sum()).sort("bucket")
    total, squares = float(per["records"].sum()), float((per["records"].cast(pl.Float64) ** 2).sum())
    mean = total / buckets
    deviation = max(0.0, squares / buckets - mean**2) ** 0.5
    return per.filter(pl.col("records") >= max(3.0, mean + 3 * deviation))


def _bursts(table: pl.DataFrame) -> list[dict[str, Any]]:
    found = bursts(table)
    if found.is_empty():
        return []
    style = {"color": "#c2185b", "size": 11, "symbol": "triangle-down", "line": {"color": "white", "width": 1}}
    texts = [f"burst: {n} errors" for n in found["records"]]
    return [{"type": "scatter", "mode": "markers", "name": "burst of errors", "x": _iso(found["bucket"]),
             "y": found["records"].to_list(), "marker": style, "hovertext": texts, "hoverinfo": "text"}]  # fmt: skip


def onset_marks(began: datetime | None) -> Figure:
    """Return the layout that marks when failures set in."""
    if began is None:
        return {}
    at = f"{began:{_ISO}}"
    style = {"color": RED, "width": 1.5, "dash": "dash"}
    return {
        "shapes": [{"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper", "line": style}],
        "annotations": [{"x": at, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "top", "text": "onset",
                         "showarrow": False, "font": {"color": RED}, "bgcolor": "#ffffffcc"}],
    }  # fmt: skip


def hops(story: Story) -> Figure:
    """Return a request's hops as bars over time, one lane for each service and host, failed ones red."""
    places = list(dict.fromkeys(f"{h.service} @ {h.host}" if h.host else h.service for h in story.hops))
    data = []
    for hop in (h for h in story.hops if h.first and h.last):
        place = f"{hop.service} @ {hop.host}" if hop.host else hop.service
        assert hop.first is not None
        assert hop.last is not None
        end = max(hop.last, hop.first + timedelta(milliseconds=15))
        text = hover(place, f"{len(hop.records)} records, worst {hop.worst}", hop.request_id or "")
        data.append({
            "type": "scatter", "mode": "lines+markers", "x": [f"{hop.first:{_ISO}}", f"{end:{_ISO}}"],
            "y": [shown(place)] * 2, "line": {"color": RED if hop.failed else BLUE, "width": 12},
            "marker": {"size": 12, "symbol": "square"}, "hovertext": text, "hoverinfo": "text", "showlegend": False,
        })  # fmt: skip
    return {"data": data, "layout": {"height": 80 + 32 * len(places), "xaxis": {"type": "date"},
                                     "yaxis": {"automargin": True, "autorange": "reversed"}}}  # fmt: skip


def over_hosts(table: pl.DataFrame, resource: str) -> Figure:
    """Return how much of a resource each host used over time, with what it has, and what was refused as crosses."""
    of = table.filter(pl.col("resource") == resource)
    data = []
    colours = iter(_SERVICE_COLOURS * 20)
    used = of.filter((pl.col("kind") == "usage") & pl.col("used").is_not_null())
    for (host,), part in used.group_by("host", maintain_order=True):
        colour = next(colours)
        name = shown(str(host or "unknown host"))
        data.append({"type": "scatter", "mode": "lines+markers", "name": f"{name}: used", "x": _iso(part["time"]),
                     "y": part["used"].to_list(), "line": {"color": colour, "shape": "hv"}})  # fmt: skip
        data.append({"type": "scatter", "mode": "lines", "name": f"{name}: total", "x": _iso(part["time"]),
                     "y": part["total"].to_list(), "line": {"color": colour, "dash": "dot"}})  # fmt: skip
    styles = (("asked", BLUE, "circle-open"), ("refused", RED, "x"))
    for kind, colour, symbol in styles:
        part = of.filter((pl.col("kind") == kind) & pl.col("amount").is_not_null())
        if part.height:
            data.append({"type": "scatter", "mode": "markers", "name": kind, "x": _iso(part["time"]),
                         "y": part["amount"].to_list(), "marker": {"color": colour, "symbol": symbol, "size": 9},
                         "hovertext": [hover(m) for m in part["message"]], "hoverinfo": "text"})  # fmt: skip
    unit = next(iter(of["unit"].drop_nulls()), "")
    return {"data": data, "layout": {"height": 300, "xaxis": {"type": "date"}, "showlegend": True,
                                     "yaxis": {"title": {"text": f"{resource} {unit}"}, "rangemode": "tozero"},
                                     }}  # fmt: skip


def curves(points: Mapping[str, Sequence[tuple[float, float]]], x: str, y: str) -> Figure:
    """Return a line of points for each name."""
    data = [{"type": "scatter", "mode": "lines+markers", "name": name, "x": [p for p, _ in line],
             "y": [v for _, v in line], "line": {"color": colour, "dash": dash}}
            for (name, line), colour, dash in zip(points.items(), (BLUE, ORANGE), ("solid", "dot"), strict=False)
            if line]  # fmt: skip
    return {
        "data": data,
        "layout": {"xaxis": {"title": {"text": x}, "nticks": 6, "tickformat": "~g"}, "yaxis": {"title": {"text": y}}},
    }


def _iso(times: pl.Series) -> list[str]:
    return times.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_list()
