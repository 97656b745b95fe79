"""The page Model Training: parameters, live curves, scores beside simple rules, the model in use."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from openstack_rca.classify.card import lost_to_rules, score_table
from openstack_rca.classify.store import KINDS, available, load, shipped
from openstack_rca.dashboard import charts, inputs
from openstack_rca.dashboard.safe import safe
from openstack_rca.dashboard.state import Session, session
from openstack_rca.dashboard.training_process import CARD
from openstack_rca.dashboard.training_work import Curves, Plan, Trained, learn
from openstack_rca.dashboard.work import Job, watch
from openstack_rca.errors import InputError


def show() -> None:
    """Draw the parameters, the running training or its result, and the models that are in use."""
    mine = session()
    curves: Curves = st.session_state.setdefault("curves", Curves())
    _finish(mine)
    plan = _parameters(mine)
    if plan is not None:
        curves.losses = {}
        mine.jobs["training"] = Job("Training", lambda tell: learn(plan, curves, tell))
        st.rerun()
    if job := mine.jobs.get("training"):
        watch(job, "training")
        _live()
    elif mine.trained is not None:
        _result(mine.trained)
        _curves(curves, mine.trained.reliability)
    _models(mine.settings.models_dir)


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
    if not sent or "training" in mine.jobs:
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


def _curves(curves: Curves, reliability: Sequence[tuple[float, float, int]] = ()) -> None:
    """Draw the losses of each network, two beside each other, and how honest the scores are, if that is known."""
    columns = st.columns(2)
    for number, (name, losses) in enumerate(list(curves.losses.items())):
        lines = {
            "training": [(float(epoch), loss) for epoch, (loss, _) in enumerate(losses, 1)],
            "validation": [(float(epoch), loss) for epoch, (_, loss) in enumerate(losses, 1) if loss is not None],
        }
        with columns[number % 2]:
            st.caption(f"Network for {safe(name)}")
            charts.draw(charts.curves(lines, "epoch", "loss"), f"curve-{name}", bar=False)
    if reliability:
        points = {"measured": [(score, share) for score, share, _ in reliability], "honest": [(0.0, 0.0), (1.0, 1.0)]}
        with columns[len(curves.losses) % 2]:
            st.caption("Calibration: the share of evidence among records with such a score")
            charts.draw(charts.curves(points, "score", "share"), "calibration", bar=False)


def _result(result: Trained) -> None:
    """Show honest scores: on held-back cases, beside the simple rules."""
    st.success(f"Trained in {result.seconds:.0f} s; the models below are those in use now.")
    for note in result.notes:
        st.caption(safe(note))
    for source, scores in result.scores.items():
        st.markdown(f"**Scores on cases that were held back, beside simple rules** (labels: {safe(source)})")
        st.markdown(score_table(scores))
        st.caption(safe(lost_to_rules(scores)))


def _models(folder: Path) -> None:
    """Show what is in use: for each kind of model its own or the one that ships, with its facts and scores."""
    st.subheader("Models in use", anchor=False)
    for kind in KINDS:
        _model(kind, folder)
    card = folder / CARD
    if any(available(folder, kind) for kind in KINDS) and card.exists():
        st.download_button("Model card", card.read_bytes(), CARD, "text/markdown", key="card", on_click="ignore",
                           icon=":material/download:")  # fmt: skip


def _model(kind: str, folder: Path) -> None:
    own = available(folder, kind)
    with st.expander(f"{kind.upper()} · {'your own' if own else 'the one that ships'}"):
        try:
            artifact = load(folder if own else shipped(), kind)
        except InputError as error:
            st.warning(safe(str(error)))
            return
        facts = {"features": len(artifact.names), "sequence length": artifact.length, **artifact.facts}
        scores = facts.pop("scores", {})
        st.markdown("  \n".join(f"**{safe(name)}:** {safe(_told(value))}" for name, value in facts.items()))
        for source, measured in scores.items():
            told = " · ".join(f"{name} **{value:.3f}**" for name, value in measured.items())
            st.markdown(f"Scores on held-back cases when it was trained (labels: {safe(source)}): {told}")


def _told(value: object) -> str:
    """Return a fact of a model in words."""
    match value:
        case Mapping():
            return ", ".join(f"{name} ({_told(number)})" for name, number in value.items())
        case list() | tuple():
            return ", ".join(map(str, value)) or "none"
    return str(value)


if __name__ == "__main__":  # as Streamlit runs it
    show()
