"""A report in Streamlit: the same outline that the other forms are drawn from, with evidence that opens at its line."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import streamlit as st

from openstack_rca.dashboard import charts
from openstack_rca.dashboard.safe import safe
from openstack_rca.records import Report, Story
from openstack_rca.reporting.blocks import Block, Bullets, Commands, Fields, Grid, Paragraph, Proof
from openstack_rca.reporting.context import lines_around
from openstack_rca.reporting.graph import graph_figure
from openstack_rca.reporting.outline import outline
from openstack_rca.reporting.picture import incident_figure
from openstack_rca.reporting.plain import plain

Opener = Callable[[Proof], None]
_AROUND = 12


def show_report(report: Report, paths: Sequence[Path], stories: Sequence[Story], key: str) -> None:
    """Draw a report: the verdict, the picture, and each other section in a tab; `paths` are the logs it is about."""
    verdict, *rest = outline(report)
    for block in verdict.blocks:
        _draw(block, paths, key)
    if (picture := incident_figure(report, stories))["data"]:
        charts.draw(picture, f"{key}-picture")
    tabs = st.tabs([*(section.title for section in rest), "Dependencies"])
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


def _draw(block: Block, paths: Sequence[Path], key: str) -> None:
    match block:
        case Paragraph(tone="alarm"):
            st.warning(safe(block.text))
        case Paragraph(tone="strong"):
            st.subheader(safe(block.text), anchor=False)
        case Paragraph():
            st.markdown(safe(block.text))
        case Fields():
            st.markdown("  \n".join(f"**{safe(name)}:** {safe(value)}" for name, value in block.rows))
        case Bullets():
            st.markdown("\n".join(f"- {safe(item)}" for item in block.items))
        case Commands():
            for command, meaning in block.checks:
                st.code(plain(command), language="bash", wrap_lines=True)
                if meaning:
                    st.caption(safe(meaning))
        case Grid():
            st.dataframe([dict(zip(block.columns, row, strict=True)) for row in block.rows], hide_index=True)
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
        st.code(plain(proof.text), language=None, wrap_lines=True)
        st.caption(safe(proof.why))


def _place(proof: Proof) -> tuple[str, int]:
    file, _, line = proof.place.rpartition(":")
    return file, int(line)


@st.dialog("In the file", width="large")
def open_line(file: str, line: int, paths: Sequence[Path]) -> None:
    """Show a line of a file with the lines around it."""
    st.markdown(f"{safe(file)}, line {line}")
    found = lines_around(paths, {"here": (file, line)}, _AROUND)["here"]
    if not found:
        st.warning("The file is not there any more.")
    width = len(str(line + _AROUND))
    numbered = (f"{'▶' if number == line else ' '} {number:>{width}}  {plain(text)}" for number, text in found)
    st.code("\n".join(numbered), language=None, height=480)


def clock(time: datetime | None) -> str:
    """Return a time for a label."""
    return f"{time:%F %T}" if time else "no time"
