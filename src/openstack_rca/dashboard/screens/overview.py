"""The page Dashboard: is this cloud healthy, since when not, and what is new."""

from datetime import datetime

import polars as pl
import streamlit as st

from openstack_rca.correlation import patterns
from openstack_rca.dashboard import charts, inputs
from openstack_rca.dashboard.loading import Loaded
from openstack_rca.dashboard.safe import safe
from openstack_rca.dashboard.state import session
from openstack_rca.reporting.plain import counted, plain


def show() -> None:
    """Draw the state of the cloud that the loaded logs are of."""
    loaded = session().loaded
    if loaded is None:
        _welcome()
        return
    _health(loaded)
    by = st.segmented_control("Lines by", ["level", "service"], default="level", key="by", label_visibility="collapsed")
    charts.draw(charts.over_time(loaded.table, by or "level", loaded.began), "over-time")
    left, right = st.columns(2)
    with left:
        st.subheader("Services", anchor=False)
        st.dataframe(counts(loaded.table, "service"), hide_index=True)
    with right:
        st.subheader("Hosts", anchor=False)
        st.dataframe(counts(loaded.table, "host"), hide_index=True)
    _news(loaded)


def _welcome() -> None:
    st.markdown(
        "Load the logs of a cloud at the left: a folder on this server, an upload, or one of the example incidents."
    )
    cases = inputs.examples()
    if cases:
        st.subheader("Look at an example", anchor=False)
        columns = [*st.columns(3), *st.columns(3)]  # two rows, whose cards are of one height
        for column, case in zip(columns, cases, strict=False):
            with column.container(border=True, height="stretch", vertical_alignment="distribute"):
                st.markdown(f"**{safe(case.issue)}**")
                if st.button("Open", key=f"open-{case.id}", help=safe(case.id)):
                    inputs.start(inputs.example_source(case))


def _health(loaded: Loaded) -> None:
    table = loaded.table
    errors = table.filter(pl.col("level") >= "ERROR").height
    state, sentence = health(loaded, errors)
    {"good": st.success, "bad": st.error, "unsure": st.warning}[state](sentence)
    first, last = table["time"].min(), table["time"].max()
    span = last - first if isinstance(first, datetime) and isinstance(last, datetime) else None
    cells = st.columns(5)
    cells[0].metric("Records", f"{table.height:,}")
    cells[1].metric("Errors", f"{errors:,}")
    cells[2].metric("Services", table["service"].n_unique())
    cells[3].metric("Hosts", table["host"].drop_nulls().n_unique())
    cells[4].metric("Time span", str(span).split(".")[0] if span else "no times")


def health(loaded: Loaded, errors: int) -> tuple[str, str]:
    """Return good, bad or unsure, and the sentence that says why."""
    if loaded.began:
        since = loaded.table.filter((pl.col("level") >= "ERROR") & (pl.col("time") >= loaded.began))
        if since.is_empty():
            return "unsure", f"From {loaded.began:%F %T} UTC on there are more warnings than before, but no errors."
        services = since["service"].drop_nulls().cast(pl.String).value_counts(sort=True).head(3)["service"].to_list()
        named = f", most of them by {', '.join(services)}" if services else ""
        return "bad", safe(
            f"Not healthy: failures set in at {loaded.began:%F %T} UTC; {since.height:,} errors since{named}."
        )
    if errors:
        return "unsure", f"There are {counted(errors, 'error')}, but no moment from which there are more than before."
    return "good", "Healthy: no errors, and no moment from which warnings are more than before."


def counts(table: pl.DataFrame, by: str) -> pl.DataFrame:
    """Return records, errors, warnings, and the last record of each service or host, most errors first."""
    return (
        table.group_by(pl.col(by).cast(pl.String).fill_null("(not stated)"))
        .agg(
            records=pl.len(),
            errors=(pl.col("level") >= "ERROR").sum(),
            warnings=(pl.col("level") == "WARNING").sum(),
            last=pl.col("time").max(),
        )
        .sort("errors", "warnings", "records", descending=True)
    )


def _news(loaded: Loaded) -> None:
    health_time = "the healthy logs" if loaded.source.baseline else "what is usual in these logs"
    st.subheader("New messages", anchor=False)
    st.caption(f"Kinds of line that {health_time} do not explain, the worst first.")
    rows = [
        {"change": p.change, "service": p.service, "count": p.count, "before": p.baseline_count, "first": p.first,
         "message": plain(p.template)}
        for p in patterns(loaded.change, None, loaded.texts, 15)
    ]  # fmt: skip
    if rows:
        st.dataframe(
            rows, hide_index=True, placeholder="", column_config={"message": st.column_config.TextColumn(width="large")}
        )
    else:
        st.caption("There are none.")


if __name__ == "__main__":  # as Streamlit runs it
    show()
