"""Where the logs of a session come from: bundled incidents, a folder on the server, or an upload."""

import ipaddress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

import openstack_rca
from openstack_rca.dashboard.loading import Source, load
from openstack_rca.dashboard.safe import safe
from openstack_rca.dashboard.state import Session, session
from openstack_rca.dashboard.work import Job, brief, watch
from openstack_rca.errors import InputError
from openstack_rca.pipeline.cases import TrueCase, load_cases
from openstack_rca.reporting.plain import amount_skipped, counted

EXAMPLES = Path(openstack_rca.__file__).parents[2] / "examples" / "incidents"
"""The bundled incidents; they stand in the repository, not in the installed package."""
_WAYS = ("Example incident", "Folder on the server", "Upload")


def show() -> None:
    """Draw what is loaded, and the ways to load something else."""
    mine = session()
    _finish(mine)
    if mine.loaded:
        logs = mine.loaded.logs
        st.markdown(f"**{safe(mine.loaded.source.name)}**")
        files = counted(len(logs.files), "file")
        st.caption(f"{counted(mine.loaded.table.height, 'record')} of {counted(logs.lines, 'line')} in {files}")
        if logs.skipped:
            with st.popover(f"{counted(len(logs.skipped), 'part')} skipped", width="stretch"):
                read = {file.file for file in logs.files if file.lines}
                rows = ((s.file, s.reason, amount_skipped(s.lines, read=s.file in read)) for s in logs.skipped)
                st.dataframe([dict(zip(("file", "reason", "lines"), row, strict=True)) for row in rows])
    with st.expander("Load logs", expanded=mine.loaded is None, icon=":material/folder_open:"):
        source = _chosen(mine)
        busy = "load" in mine.jobs
        if st.button("Load", type="primary", disabled=source is None or busy, width="stretch", key="load") and source:
            start(source)
    if job := mine.jobs.get("load"):
        watch(job, "load")


def start(source: Source) -> None:
    """Begin to load a source in the background."""
    mine = session()
    if "load" in mine.jobs:  # a second click that came before the page was drawn anew
        return
    settings = mine.settings
    mine.jobs["load"] = Job(f"Loading {source.name}", lambda tell: load(source, settings, tell))
    brief(mine.jobs["load"])
    st.rerun()


def _finish(mine: Session) -> None:
    """Take over what the background work has loaded, or say why it could not."""
    job = mine.jobs.get("load")
    if job is None or not job.done:
        return
    del mine.jobs["load"]
    if job.error:
        st.error(safe(job.error))
    elif job.result is not None and not job.stopped:
        mine.loaded = job.result


def _chosen(mine: Session) -> Source | None:
    way = st.radio("From", _WAYS, key="way", label_visibility="collapsed")
    if way == _WAYS[0]:
        return _example()
    return _folder(mine) if way == _WAYS[1] else _upload(mine)


@cache
def examples() -> tuple[TrueCase, ...]:
    """Return the bundled incidents; none where the program was installed without them."""
    try:
        return tuple(load_cases(EXAMPLES))
    except InputError:
        return ()


def example_source(case: TrueCase) -> Source:
    """Return a bundled incident as a source, with the healthy logs of its cloud."""
    healthy = sorted(path for path in EXAMPLES.glob("baseline*/logs") if path.is_dir())[:1]
    return Source(case.id, (case.logs,), (case.baseline,) if case.baseline else tuple(healthy), case.issue)


def _example() -> Source | None:
    known = {case.id: case for case in examples()}
    if not known:
        st.caption("The example incidents are part of the repository; this installation is without them.")
        return None
    name = st.selectbox("Incident", list(known), key="example")
    st.caption(safe(known[name].issue))
    return example_source(known[name])


def _folder(mine: Session) -> Source | None:
    given = st.text_input("Folder, file or archive", str(mine.settings.data_dir), key="folder")
    healthy = st.text_input("Logs of a healthy time (optional)", key="healthy")
    paths = [Path(text).expanduser() for text in (given, healthy) if text.strip()]
    if not given.strip():
        return None
    if wrong := next((p for path in paths if (p := problem(path, mine))), None):
        st.caption(safe(wrong))
        return None
    return Source(paths[0].name or str(paths[0]), (paths[0],), tuple(paths[1:]))


def problem(path: Path, mine: Session) -> str | None:
    """Return why a path on the server cannot be read by this session, None when it can."""
    if not on_loopback() and not path.resolve().is_relative_to(mine.settings.data_dir.resolve()):
        return f"This server is open to others, so only what is below {mine.settings.data_dir} can be read."
    return None if path.exists() else f"There is no {path}."


def on_loopback() -> bool:
    """Say whether only this machine can reach the server."""
    address = st.get_option("server.address") or ""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _upload(mine: Session) -> Source | None:
    most = mine.settings.dashboard.max_upload_mb
    files = st.file_uploader(f"Logs or archives, {most} MB at most", accept_multiple_files=True, key="upload")
    if not files:
        return None
    if sum(file.size for file in files) > most << 20:
        st.error(f"Together these files have more than {most} MB; set dashboard.max_upload_mb to allow more.")
        return None
    content = tuple(file.file_id for file in files)
    if content not in mine.uploads:
        folder = TemporaryDirectory(prefix="openstack-rca-upload-")
        for number, file in enumerate(files):
            place = Path(folder.name) / Path(file.name).name
            if place.exists():  # two files of one name came from two folders
                place = Path(folder.name) / str(number) / place.name
                place.parent.mkdir()
            place.write_bytes(file.getbuffer())
        mine.uploads[content] = folder
    name = ", ".join(Path(file.name).name for file in files[:3]) + (", …" if len(files) > 3 else "")
    return Source(name, (Path(mine.uploads[content].name),))
