"""The page Model Training: parameters, live curves, scores beside simple rules, the model in use."""

from pathlib import Path
from typing import Any

import streamlit as st

from openstack_rca.classify.store import KINDS, available, load, shipped
from openstack_rca.dashboard import charts, inputs
from openstack_rca.dashboard.safe import safe
from openstack_rca.dashboard.state import Session, session
from openstack_rca.dashboard.training_work import Curves, Plan, learn, rows
from openstack_rca.dashboard.work import Job, watch
from openstack_rca.errors import InputError


def show() -> None:
    """Draw the parameters, the running training or its result, and the models that are in use."""
    mine = session()
    curves: Curves = st.session_state.setdefault("curves", Curves())
    _finish(mine)
    plan = _parameters(mine)
    if plan is not None:
        curves.losses.clear()
        settings = mine.settings
        mine.jobs["training"] = Job("Training", lambda tell: learn(plan, settings, curves, tell))
        st.rerun()
    if job := mine.jobs.get("training"):
        watch(job, "training")
        _live()
    elif mine.trained is not None:
        _curves(curves)
        _result(mine.trained)
    st.subheader("Models in use", anchor=False)
    for kind in KINDS:
        _model(kind, mine.settings.models_dir)


def _parameters(mine: Session) -> Plan | None:
    """Draw the form; return what to train when it was sent."""
    choices = [name for name, there in (("Example incidents", inputs.examples()), ("Folder of cases", True),
                                        ("The loaded logs", mine.loaded)) if there]  # fmt: skip
    with st.form("training"):
        row = st.columns([2, 2, 1, 1], vertical_alignment="bottom")
        data = row[0].selectbox("Learn from", choices, key="learn-from")
        folder = row[1].text_input("Folder of cases", key="cases", placeholder="only for a folder of cases")
        epochs = row[2].number_input("Epochs at most", 1, 1000, mine.settings.lstm.epochs, key="epochs")
        batch = row[3].number_input("Batch size", 1, 4096, mine.settings.lstm.batch_size, key="batch")
        sent = st.form_submit_button("Train", type="primary", disabled="training" in mine.jobs)
    if not sent:
        return None
    if data == "The loaded logs" and mine.loaded:
        return Plan(mine.loaded.source.paths, (), int(epochs), int(batch))
    cases = Path(folder).expanduser() if data == "Folder of cases" else inputs.EXAMPLES
    wrong = inputs.problem(cases, mine) if folder.strip() else "Name the folder of cases."
    if data == "Folder of cases" and wrong:
        st.error(safe(wrong))
        return None
    return Plan((), (cases,), int(epochs), int(batch))


def _finish(mine: Session) -> None:
    job = mine.jobs.get("training")
    if job is None or not job.done:
        return
    del mine.jobs["training"]
    if job.error:
        st.error(safe(job.error))
    elif job.stopped:
        st.info("The training was stopped; started again with the same data, it goes on where it was.")
    else:
        mine.trained = job.result


@st.fragment(run_every=1.0)
def _live() -> None:
    _curves(st.session_state["curves"])


def _curves(curves: Curves) -> None:
    for name, points in list(curves.losses.items()):
        st.caption(f"Validation loss of {safe(name)}, the best so far")
        charts.draw(charts.curve(points, "epoch", "loss", name), f"curve-{name}")


def _result(result: Any) -> None:
    """Show honest scores: on held-back cases, beside the simple rules."""
    st.success(f"Trained in {result.seconds:.0f} s.")
    for note in result.notes:
        st.caption(safe(note))
    for source, scores in result.scores.items():
        st.caption(f"Scores on cases that were held back, beside simple rules. Labels: {safe(source)}")
        st.dataframe(rows(scores), hide_index=True)
    if result.reliability:
        st.caption("Calibration: how often records with such a score were evidence; a straight line is honest.")
        points = [(score, share) for score, share, _ in result.reliability]
        charts.draw(charts.curve(points, "score", "share", "calibration"), "calibration")


def _model(kind: str, folder: Path) -> None:
    """Show the card of the model of a kind that is in use."""
    own = available(folder, kind)
    where = folder if own else shipped()
    with st.expander(f"{kind.upper()} · {'your own' if own else 'the one that ships'}"):
        try:
            artifact = load(where, kind)
        except InputError as error:
            st.caption(safe(str(error)))
            return
        facts = {"kind": artifact.kind, "features": len(artifact.names), "sequence length": artifact.length}
        facts |= {name: value for name, value in artifact.facts.items() if name != "scores"}
        st.dataframe([{"fact": name, "value": str(value)} for name, value in facts.items()], hide_index=True)
        if scores := artifact.facts.get("scores"):
            st.caption("Scores on held-back cases when it was trained")
            st.dataframe(rows(scores), hide_index=True)


if __name__ == "__main__":  # as Streamlit runs it
    show()
