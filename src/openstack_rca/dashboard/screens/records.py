"""The page Log Analysis: find records, read them whole, follow a request; views of requests, capacity and audit."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl
import polars.selectors as cs
import streamlit as st

from openstack_rca.correlation import audit, capacity, follow, requests, with_root
from openstack_rca.dashboard import charts
from openstack_rca.dashboard.loading import Loaded
from openstack_rca.dashboard.query import COLUMNS, PAGE, Filters, chosen
from openstack_rca.dashboard.report_view import clock, open_line
from openstack_rca.dashboard.safe import safe
from openstack_rca.dashboard.state import session
from openstack_rca.errors import UsageError
from openstack_rca.records import LEVELS
from openstack_rca.reporting.plain import counted, plain
from openstack_rca.reporting.tables import to_csv, to_json

_TIME = "YYYY-MM-DD HH:mm:ss.SSS"
VIEWS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {"requests": requests, "capacity": capacity, "audit": audit}


def show() -> None:
    """Draw the view of the loaded logs that the user has chosen."""
    loaded = session().loaded
    if loaded is None:
        st.info("Load logs at the left first.")
        return
    view = st.segmented_control("View", ["lines", *VIEWS], default="lines", key="view", label_visibility="collapsed")
    if view in VIEWS:
        _view(loaded, str(view))
    else:
        _lines(loaded)


def _lines(loaded: Loaded) -> None:
    filters = _filters(loaded)
    try:
        kept = chosen(loaded.table, filters)
    except UsageError as error:
        st.error(safe(str(error)))
        return
    selected = _table(kept, list(COLUMNS), f"lines-{hash(filters)}", _span(loaded.table))
    if selected is not None:
        _record(loaded, kept.row(selected, named=True))


def _filters(loaded: Loaded) -> Filters:
    """Draw the filters and return what they say; values that the user has not set let everything pass."""
    table = loaded.table
    row = st.columns([2, 2, 2, 3])
    levels = row[0].multiselect("Level", LEVELS, key="levels", placeholder="all")
    services = row[1].multiselect("Service", _values(table, "service"), key="services", placeholder="all")
    hosts = row[2].multiselect("Host", _values(table, "host"), key="hosts", placeholder="all")
    text = row[3].text_input("Text", key="text", placeholder="in the message or traceback")
    row = st.columns([2, 2, 2, 2, 1], vertical_alignment="bottom")
    request = row[0].text_input("Request or resource id", key="request", placeholder="req-… or a uuid")
    start = row[1].datetime_input("From (UTC)", None, key=f"from-{loaded.key}", step=60)
    end = row[2].datetime_input("To (UTC)", None, key=f"to-{loaded.key}", step=60)
    template = _template(row[3], loaded)
    is_regex = row[4].toggle("Regex", key="regex")
    return Filters(start, end, tuple(levels), tuple(services), tuple(hosts), request, template, text, is_regex)


def _template(place: st.delta_generator.DeltaGenerator, loaded: Loaded) -> str:
    """Let the user choose a template, the commonest first."""
    common = loaded.change.group_by(pl.col("template").cast(pl.String)).agg(pl.col("count").sum())
    ids = ["", *common.sort("count", descending=True)["template"].drop_nulls().head(500)]
    chosen_id = place.selectbox(
        "Template", ids, key=f"template-{loaded.key}", format_func=lambda t: plain(loaded.texts.get(t, "")) or "all"
    )
    return str(chosen_id or "")


def _values(table: pl.DataFrame, column: str) -> list[str]:
    return sorted(table[column].drop_nulls().unique().cast(pl.String).to_list())


def _span(table: pl.DataFrame) -> str:
    first, last = table["time"].min(), table["time"].max()
    if isinstance(first, datetime) and isinstance(last, datetime):
        return f" · logs from {clock(first)} to {clock(last)} UTC"
    return ""


def _table(kept: pl.DataFrame, columns: list[str], key: str, remark: str = "") -> int | None:
    """Show one page of rows, the way to others and to a file; return the number of the selected row in `kept`."""
    pages = max(1, -(-kept.height // PAGE))
    st.caption(f"**{counted(kept.height, 'row')}**{f' on {pages:,} pages' if pages > 1 else ''}{remark}")
    # nothing at the right: there the table shows its own buttons while the pointer is on it
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button("CSV", lambda: "".join(to_csv(kept)), "logs.csv", "text/csv", key=f"csv-{key}",
                           on_click="ignore", icon=":material/download:")  # fmt: skip
        st.download_button("JSON", lambda: "".join(to_json(kept)), "logs.json", "application/json", key=f"json-{key}",
                           on_click="ignore", icon=":material/download:")  # fmt: skip
        page = 1
        if pages > 1:
            st.markdown("Page", width="content")
            page = st.number_input(
                f"Page of {pages:,}", 1, pages, key=f"page-{key}", label_visibility="collapsed", width=160
            )
    start = (int(page) - 1) * PAGE
    found = st.dataframe(
        _sent(kept.slice(start, PAGE).select(columns)), hide_index=True, height=_height(kept.height - start), key=f"rows-{key}",
        on_select="rerun", selection_mode="single-row", placeholder="",
        column_config={
            "time": st.column_config.DatetimeColumn("time (UTC)", format=_TIME, width="medium"),
            "first": st.column_config.DatetimeColumn("first (UTC)", format=_TIME, width="medium"),
            "last": st.column_config.DatetimeColumn("last (UTC)", format="HH:mm:ss.SSS", width=110),
            "seconds": st.column_config.NumberColumn(format="%.3f"),
            "message": st.column_config.TextColumn(width="large"),
        },
    )  # fmt: skip
    rows = found["selection"]["rows"]
    return start + rows[0] if rows and start + rows[0] < kept.height else None


def _height(rows: int) -> int:
    """Return the height of a table in pixels: no higher than its rows, so that what is below it can be seen."""
    return min(420, 38 + 35 * max(rows, 1))


def _record(loaded: Loaded, row: dict[str, Any]) -> None:
    """Show a record whole, with its traceback, its place in the file and the request that it belongs to."""
    with st.container(border=True):
        left, middle, _ = st.columns([1, 1, 4])
        if left.button("Open in file", key="open-record", width="stretch"):
            open_line(row["file"], row["line"], loaded.source.paths)
        followed = bool(row["request_id"]) and middle.toggle("Follow the request", key="follow")
        st.code(plain(row["message"]), language=None, wrap_lines=True)
        if row["detail"]:
            st.code("\n".join(map(_indented, row["detail"].split("\n"))), language=None)
        _fields(row)
    if followed:
        _follow(loaded, row["request_id"])


def _fields(row: dict[str, Any]) -> None:
    left_out = ("message", "detail", "record", "novelty", "template")
    known = {name: value for name, value in row.items() if value not in (None, "", []) and name not in left_out}
    st.caption(" · ".join(f"**{name}** {safe(str(value))}" for name, value in known.items()))


def _indented(line: str) -> str:
    """Return a line without control characters, its indent kept."""
    return " " * (len(line) - len(line.lstrip(" "))) + plain(line)


def _follow(loaded: Loaded, request: str) -> None:
    """Show a request over all services: its hops over time, and its records."""
    rooted = with_root(loaded.table)
    ids = (pl.col("request_id") == request) | (pl.col("global_request_id") == request) | (pl.col("root") == request)
    roots = rooted.filter(ids)["root"].drop_nulls().unique().to_list()[:1]
    for story in follow(rooted, roots):
        st.subheader("The request over services", anchor=False)
        charts.draw(charts.hops(story), "hops")
        own = rooted.filter(pl.col("root") == story.key).select(COLUMNS).head(PAGE)
        st.dataframe(_sent(own), hide_index=True, height=300, placeholder="")


def _sent(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows as a browser may show them."""
    texts = rows.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
    return texts.with_columns(pl.col(pl.String).map_elements(plain, pl.String))


def _view(loaded: Loaded, view: str) -> None:
    made = _made(loaded, view)
    if view == "capacity":
        _capacity(made)
    made = _narrowed(made, view)
    empty = [name for name in made.columns if made[name].null_count() == made.height]
    order = [name for name in made.columns if name not in ("record", "file", "line", *empty)]
    selected = _table(made, order, f"{view}-{made.height}")
    if selected is None:
        return
    row = made.row(selected, named=True)
    if view == "requests":
        _follow(loaded, row["request_id"])
    else:
        _record(loaded, row | {"detail": None})


def _made(loaded: Loaded, view: str) -> pl.DataFrame:
    """Return a view, made once for each content."""
    if view not in loaded.worked:
        loaded.worked[view] = VIEWS[view](loaded.table)
    found: pl.DataFrame = loaded.worked[view]
    return found


def _narrowed(made: pl.DataFrame, view: str) -> pl.DataFrame:
    """Let the user keep some kinds of rows, and those that hold a text."""
    column = "outcome" if view == "requests" else "kind"
    left, right = st.columns([2, 3])
    kinds = left.multiselect(column.capitalize(), sorted(made[column].unique()), key=f"kinds-{view}", placeholder="all")
    text = right.text_input("Text", key=f"text-{view}", placeholder="in the path, message, services or ids")
    if kinds:
        made = made.filter(pl.col(column).is_in(kinds))
    if text:
        made = made.filter(pl.any_horizontal(cs.string().str.contains(f"(?i){re.escape(text)}")))
    return made


def _capacity(made: pl.DataFrame) -> None:
    """Draw what hosts used and what was refused, one resource at a time."""
    resources = made["resource"].drop_nulls().unique().sort().to_list()
    if not resources:
        st.caption(
            "These logs say nothing about memory, disk or vcpus; nova-compute and placement do, in their own logs."
        )
        return
    default = "memory" if "memory" in resources else resources[0]
    resource = st.segmented_control("Resource", resources, default=default, key="resource") or default
    charts.draw(charts.over_hosts(made, resource), "capacity")


if __name__ == "__main__":  # as Streamlit runs it
    show()
