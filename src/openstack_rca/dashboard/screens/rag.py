"""The page RAG Settings: thresholds and weights with their effect, the vector store, the memory of incidents."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from openstack_rca.dashboard.fusing import ranked
from openstack_rca.dashboard.memory import memory
from openstack_rca.dashboard.safe import safe
from openstack_rca.dashboard.state import Session, session
from openstack_rca.dashboard.work import Job, brief, watch
from openstack_rca.errors import RcaError
from openstack_rca.incidents.incident import Incident
from openstack_rca.pipeline import storing
from openstack_rca.reporting.plain import counted
from openstack_rca.retrieval import upkeep
from openstack_rca.retrieval.fusion import WEIGHTS
from openstack_rca.settings import Settings

PARTS = ("Thresholds", "Fusion", "Vector store", "Incidents")


def show() -> None:
    """Draw the part of this page that is chosen; only that one is worked out."""
    mine = session()
    part = st.segmented_control("Part", PARTS, default=PARTS[0], key="part", label_visibility="collapsed")
    {"Fusion": _fusion, "Vector store": _store, "Incidents": _incidents}.get(str(part), _thresholds)(mine)


def _thresholds(mine: Session) -> None:
    """Let the user change settings for this session."""
    rag, db = mine.settings.rag, mine.settings.vector_db
    with st.form("thresholds", border=False):
        left, right = st.columns(2)
        similar = left.slider("Past incidents: similarity from", 0.0, 1.0, rag.similarity_threshold, 0.05)
        most = left.number_input("Past incidents at most", 0, 50, rag.max_historical_context)
        helps = left.toggle("Confirmed incidents help to rank causes", rag.enable_historical_learning)
        reword = left.toggle("Reword solutions for the host at hand", rag.solution_template_matching)
        size = right.number_input("Characters of a past incident", 100, 20_000, rag.context_window_size)
        top_k = right.number_input("Search results (top-k)", 1, 10_000, db.top_k_results)
        if st.form_submit_button("Use in this session", type="primary"):
            changed = {
                "similarity_threshold": similar,
                "max_historical_context": int(most),
                "context_window_size": int(size),
                "enable_historical_learning": helps,
                "solution_template_matching": reword,
            }
            update = {
                "rag": rag.model_copy(update=changed),
                "vector_db": db.model_copy(update={"top_k_results": int(top_k)}),
            }
            mine.settings = mine.settings.model_copy(update=update)
            st.toast("This session uses these settings; other sessions and the files are as they were.")


def _fusion(mine: Session) -> None:
    """Show what the weights of the signals do to the order of lines for a sample question."""
    if mine.loaded is None:
        st.info("Load logs at the left to see what the weights do.")
        return
    question = st.text_input("Sample question", mine.loaded.source.issue, key=f"sample-{mine.loaded.key}")
    columns = st.columns(len(WEIGHTS))
    weights = {
        name: column.slider(f"Weight of {name}", 0.0, 2.0, float(value), 0.05, key=f"weight-{name}")
        for column, (name, value) in zip(columns, WEIGHTS.items(), strict=True)
    }
    if not question.strip():
        return
    try:
        result = ranked(mine.loaded, question, weights, mine.settings)
    except RcaError as error:
        st.error(safe(str(error)))
        return
    for note in result.notes:
        st.caption(safe(note))
    st.dataframe(result.rows, hide_index=True)
    st.caption("`was` is the place with the weights that the program uses: "
               + ", ".join(f"{name} {value}" for name, value in WEIGHTS.items()))  # fmt: skip


def _store(mine: Session) -> None:
    settings = mine.settings
    try:
        found = upkeep.status(settings.vector_db)
    except RcaError as error:
        st.error(safe(str(error)))
        return
    if not found.exists:
        st.info(
            f"There is no vector store at {safe(found.where)} yet; the command `vector-db ingest` makes it, and `train` too."
        )
        return
    size = f", {found.bytes / 1e6:.1f} MB" if found.bytes else ""
    st.markdown(f"**{safe(found.where)}**{size}" + (" · in use by another process" if found.in_use_by else ""))
    st.dataframe(
        [
            {"collection": c.name, "model": c.model, "dimension": c.dimension, "pieces": c.pieces}
            for c in found.collections
        ],
        hide_index=True,
    )
    left, right, _ = st.columns([1, 1, 3])
    busy = "store" in mine.jobs and not mine.jobs["store"].done
    if left.button("Verify", disabled=busy, width="stretch", key="verify"):
        _begin(mine, "Verifying", lambda: _verified(settings))
    if right.button("Backup", disabled=busy, width="stretch", key="backup"):
        _begin(mine, "Backing up", lambda: _backup(settings))
    _outcome(mine)


def _verified(settings: Settings) -> upkeep.Verification:
    with storing.open_existing_store(settings, writing=True) as store:  # it repairs what it can
        return upkeep.verify(store)


def _backup(settings: Settings) -> bytes:
    with tempfile.TemporaryDirectory() as name, storing.open_existing_store(settings, writing=False) as store:
        return upkeep.backup(store, Path(name) / "backup.zip").path.read_bytes()


def _begin(mine: Session, title: str, work: Callable[[], object]) -> None:
    mine.jobs["store"] = Job(title, lambda tell: work())
    brief(mine.jobs["store"])
    st.rerun()


def _outcome(mine: Session) -> None:
    """Show the work on the store: its progress, then what it found."""
    job = mine.jobs.get("store")
    if job is None:
        return
    if not job.done:
        watch(job, "store")
        return
    if job.error:
        st.error(safe(job.error))
    elif isinstance(job.result, bytes):
        st.download_button(
            "Download the backup", job.result, "openstack-rca-store.zip", "application/zip", key="backup-file"
        )
    elif isinstance(job.result, upkeep.Verification):
        (st.success if job.result.ok else st.error)("Nothing is wrong." if job.result.ok else "Something is wrong.")
        for note in job.result.notes:
            st.caption(safe(note))
        st.dataframe([vars(check) for check in job.result.collections], hide_index=True)


def _incidents(mine: Session) -> None:
    """Browse and edit past incidents."""
    known = memory(mine.settings)
    query = st.text_input("Search", key="incident-search", placeholder="in symptoms, causes and solutions")
    try:
        everything, skipped = known.incidents()
        shown = [m.incident for m in known.search(query, 50)] if query.strip() else everything
    except RcaError as error:
        st.error(safe(str(error)))
        return
    for part in skipped:
        st.warning(safe(f"{part.file}: {part.reason}"))
    st.caption(f"{counted(len(shown), 'incident')} of {len(everything)}")
    for incident in shown[:50]:
        _incident(incident, mine)
    _exchange(mine)


def _incident(incident: Incident, mine: Session) -> None:
    sign = ":material/check_circle:" if incident.confirmed else ":material/help:"
    with st.expander(f"{incident.created_at:%F %H:%M} · {safe(incident.symptom[:90])}", icon=sign):
        with st.form(f"incident-{incident.id}", border=False):
            st.markdown(f"**Symptom:** {safe(incident.symptom)}")
            if not incident.confirmed:
                st.caption("Not confirmed yet: here stands what was suspected, and what was recommended.")
            cause = st.text_area("True cause", incident.root_cause, key=f"cause-{incident.id}")
            solution = st.text_area("What solved it", incident.solution, key=f"solution-{incident.id}")
            left, right, _ = st.columns([1, 1, 3])
            save = left.form_submit_button("Save as confirmed", type="primary")
            forget = right.form_submit_button("Delete")
        _edit(incident, cause, solution, save, forget, mine)


def _edit(incident: Incident, cause: str, solution: str, save: bool, forget: bool, mine: Session) -> None:
    try:
        if save:
            memory(mine.settings).resolve(
                incident.id, solution, datetime.now(UTC).replace(microsecond=0), root_cause=cause
            )
        elif forget:
            memory(mine.settings).delete(incident.id)
        else:
            return
    except RcaError as error:
        st.error(safe(str(error)))
        return
    st.rerun()


def _exchange(mine: Session) -> None:
    """Offer all incidents as a file, and take in such a file."""
    left, right = st.columns(2)
    left.download_button("Export all", lambda: _exported(mine), "incidents.json", "application/json", key="export",
                         on_click="ignore", icon=":material/download:")  # fmt: skip
    given = right.file_uploader("Import", type="json", key="import")
    if given is not None and st.session_state.get("imported") != given.file_id:
        st.session_state["imported"] = given.file_id
        try:
            with tempfile.TemporaryDirectory() as name:
                path = Path(name) / "incidents.json"
                path.write_bytes(given.getbuffer())
                taken = memory(mine.settings).import_from(path)
            skipped = f", {len(taken.skipped)} skipped" if taken.skipped else ""
            st.toast(f"{taken.new} new, {taken.changed} changed, {taken.unchanged} there already{skipped}")
        except RcaError as error:
            st.error(safe(str(error)))


def _exported(mine: Session) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        return memory(mine.settings).export(Path(name) / "incidents.json").path.read_bytes()


if __name__ == "__main__":  # as Streamlit runs it
    show()
