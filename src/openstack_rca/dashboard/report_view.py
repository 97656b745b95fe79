"""A report in Streamlit: the same outline that the other forms are drawn from, with evidence that opens at its line."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import streamlit as st

from openstack_rca.dashboard import charts
from openstack_rca.dashboard.safe import safe
from openstack_rca.parsing import message_of
from openstack_rca.records import Report, Story
from openstack_rca.reporting.blocks import Block, Bullets, Commands, Fields, Grid, Paragraph, Proof
from openstack_rca.reporting.context import lines_around
from openstack_rca.reporting.graph import graph_figure
from openstack_rca.reporting.outline import outline
from openstack_rca.reporting.picture import incident_figure
from openstack_rca.reporting.plain import plain, without_ids

_AROUND, _BEFORE = 12, 3
"""How many lines are shown after the one that is opened, and before it: what belongs to it stands below it."""
_SHORT = {
    "Evidence for it": "Evidence",
    "What to do next": "What to do",
    "Other possible causes": "Other causes",
    "Considered and rejected": "Rejected",
    "What changed": "Changes",
    "What was read": "Input",
}
"""Titles of sections as tabs, which have to fit beside each other."""


def show_verdict(report: Report, stories: Sequence[Story], key: str) -> None:
    """Draw the verdict of a report and the picture."""
    for block in outline(report)[0].blocks:
        if isinstance(block, Fields):
            _in_columns(block)
        else:
            _draw(block, (), key)
    for note in report.notes:
        st.caption(safe(note))
    if (picture := incident_figure(report, stories))["data"]:
        charts.draw(picture, f"{key}-picture")


def show_sections(report: Report, paths: Sequence[Path], key: str) -> None:
    """Draw each other section of a report in a tab; `paths` are the logs it is about."""
    rest = outline(report)[1:]
    tabs = st.tabs([*(_SHORT.get(section.title, section.title) for section in rest), "Dependencies"])
    for tab, section in zip(tabs, rest, strict=False):
        with tab:
            for block in section.blocks:
                _draw(block, paths, key)
    with tabs[-1]:
        if (graph := graph_figure(report))["data"]:
            charts.draw(graph, f"{key}-graph")
            st.caption("Who needs whom, as far as it took part: the cause at the right, the way of the fault in red.")
        else:
            st.caption("Without a cause there is no way of a fault to show.")


def _in_columns(fields: Fields) -> None:
    """Draw what a verdict says beside each other, so that the picture below is seen too; the issue stands above."""
    rows = [row for row in fields.rows if row[0] != "Issue"]
    sizes = [len(name) + len(value) for name, value in rows]
    half = next((n for n in range(1, len(rows)) if sum(sizes[:n]) >= sum(sizes) / 2), len(rows))
    for column, part in zip(st.columns([3, 2]), (rows[:half], rows[half:]), strict=True):
        with column:
            _fields(Fields(tuple(part)))


def _fields(fields: Fields) -> None:
    st.markdown("  \n".join(f"**{safe(name)}:** {safe(value)}" for name, value in fields.rows))


def _draw(block: Block, paths: Sequence[Path], key: str) -> None:
    match block:
        case Paragraph(tone="alarm"):
            st.warning(safe(block.text))
        case Paragraph(tone="strong"):
            st.subheader(safe(block.text), anchor=False)
        case Paragraph():
            st.markdown(safe(block.text))
        case Fields():
            _fields(block)
        case Bullets():
            st.markdown("\n".join(f"- {safe(item)}" for item in block.items))
        case Commands():
            for command, meaning in block.checks:
                st.code(plain(command), language="bash", wrap_lines=True)
                if meaning:
                    st.caption(safe(meaning))
        case Grid():
            rows = [dict(zip(block.columns, map(plain, row), strict=True)) for row in block.rows]
            st.dataframe(rows, hide_index=True)
        case Proof():
            _proof(block, paths, key)


def _proof(proof: Proof, paths: Sequence[Path], key: str) -> None:
    with st.container(border=True):
        left, right = st.columns([6, 1], vertical_alignment="center")
        left.markdown(
            f"**{proof.id}** · {safe(proof.place)} · {safe(proof.time)} · {proof.level} · {safe(proof.source)}"
        )
        if right.button("Open", key=f"{key}-{proof.id}", width="stretch", help="Show the line in its file"):
            open_line(*_place(proof), paths)
        st.code(plain(message_of(proof.text)), language=None, wrap_lines=True)
        if proof.remark:
            st.caption(safe(proof.remark))


def _place(proof: Proof) -> tuple[str, int]:
    file, _, line = proof.place.rpartition(":")
    return file, int(line)


@st.dialog("In the file", width="large")
def open_line(file: str, line: int, paths: Sequence[Path]) -> None:
    """Show a line of a file with the lines around it."""
    st.markdown(f"{safe(file)}, line {line}")
    found = [
        (n, text) for n, text in lines_around(paths, {"here": (file, line)}, _AROUND)["here"] if n >= line - _BEFORE
    ]
    if not found:
        st.warning("The file is not there any more, or has become shorter.")
        return
    st.code(plain(dict(found).get(line, "")), language=None, wrap_lines=True)
    width = len(str(line + _AROUND))
    around = (f"{'▶' if n == line else ' '} {n:>{width}}  {without_ids(plain(text))}" for n, text in found)
    st.code("\n".join(around), language=None, height=350, wrap_lines=True)


def clock(time: datetime | None) -> str:
    """Return a time for a label."""
    return f"{time:%F %T}" if time else "no time"
