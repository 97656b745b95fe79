"""The page RCA Chat: an issue in, an answer with its evidence out, and questions about it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl
import streamlit as st
from pydantic import SecretStr

from openstack_rca import pipeline, reporting
from openstack_rca.correlation import follow, with_root
from openstack_rca.dashboard.followup import Finding, closest
from openstack_rca.dashboard.loading import Loaded
from openstack_rca.dashboard.report_view import open_line, show_sections, show_verdict
from openstack_rca.dashboard.safe import safe
from openstack_rca.dashboard.state import Answer, Session, session
from openstack_rca.dashboard.talking import Talk
from openstack_rca.dashboard.work import Job, Tell, brief, watch
from openstack_rca.diagnosis.claude import ChatAnswer, why_unavailable
from openstack_rca.errors import RcaError
from openstack_rca.pipeline.memory import remember
from openstack_rca.records import Report, Story
from openstack_rca.reporting.context import lines_around
from openstack_rca.reporting.picture import failing_request
from openstack_rca.settings import Settings

_AROUND = 2


def show() -> None:
    """Draw the issue, the progress, the answer and what was asked about it."""
    mine = session()
    if mine.loaded is None:
        st.info("Load logs at the left first; then say here what does not work.")
        return
    _finish(mine)
    _ask(mine, mine.loaded)
    if job := mine.jobs.get("analysis"):
        watch(job, "analysis")
        _words(mine)
        return
    if not mine.answers:
        return
    number = _choose(mine.answers)
    answer = mine.answers[number]
    with st.chat_message("user"):
        st.markdown(safe(answer.report.issue))
    with st.chat_message("assistant"):
        show_verdict(answer.report, answer.stories, f"answer-{number}")
        _keep(answer, number, mine)
        show_sections(answer.report, answer.paths, f"answer-{number}")
    _questions(answer, number, mine, mine.loaded)


def _ask(mine: Session, loaded: Loaded) -> None:
    place, beside = st.columns([7, 1], vertical_alignment="bottom")
    with beside:
        _key(mine)
    with place, st.form("issue", border=False):
        text = st.text_area(
            "What do users see?", loaded.source.issue, key=f"issue-{loaded.key}", height=80,
            placeholder="New servers go to ERROR; ids and host names help",
        )  # fmt: skip
        reason = why_unavailable(mine.settings)
        left, middle, right, _ = st.columns([2, 2, 3, 3], vertical_alignment="center")
        start = left.form_submit_button("Analyse", type="primary", width="stretch", disabled="analysis" in mine.jobs)
        fast = middle.toggle("Fast mode", key="fast", help="Look at the most telling lines only")
        llm = right.toggle("Language model", reason is None, key=f"llm-{reason is None}", disabled=reason is not None,
                           help=safe(reason) if reason else "Let it explain what the program found")  # fmt: skip
        if reason:
            st.caption(safe(reason))
    if not start or "analysis" in mine.jobs:  # a second click that came before the page was drawn anew
        return
    request = pipeline.AnalysisRequest(text, loaded.source.paths, loaded.source.baseline, fast=fast, llm=llm)
    settings, heard = mine.settings, mine.heard
    heard.clear()
    mine.jobs["analysis"] = Job("Analysis", lambda tell: _analyse(request, settings, loaded, heard, tell))
    brief(mine.jobs["analysis"], 2.5)
    st.rerun()


def _analyse(
    request: pipeline.AnalysisRequest, settings: Settings, loaded: Loaded, heard: list[str], tell: Tell
) -> Answer:
    def hear(words: str) -> None:
        tell("the model answers")
        heard.append(words)

    report = pipeline.analyze(request, settings, tell, hear)
    tell("following the failing request")
    return Answer(report, request.logs, _stories(report, loaded), datetime.now(UTC), Talk(report))


def _stories(report: Report, loaded: Loaded) -> tuple[Story, ...]:
    """Return the way of the request that the evidence is about, over all services."""
    if (request := failing_request(report)) is None:
        return ()
    rooted = with_root(loaded.table)
    ids = (pl.col("request_id") == request) | (pl.col("global_request_id") == request)
    roots = rooted.filter(ids)["root"].drop_nulls().unique().to_list()
    return follow(rooted, roots[:1])


@st.fragment(run_every=0.5)
def _words(mine: Session) -> None:
    """Show what the language model has said so far."""
    if said := "".join(mine.heard).splitlines():
        st.caption("The language model, as it comes, not checked yet:")
        st.markdown("\n".join(f"- {safe(text)}" for text in said if text))


def _finish(mine: Session) -> None:
    job = mine.jobs.get("analysis")
    if job is None or not job.done:
        return
    del mine.jobs["analysis"]
    if job.error:
        st.error(safe(job.error))
    elif job.stopped:
        st.info("The analysis was stopped.")
    elif job.result is not None:
        mine.answers.append(job.result)


def _choose(answers: Sequence[Answer]) -> int:
    """Let the user go back to an earlier analysis of this session; the newest is shown first."""
    if len(answers) == 1:
        return 0
    names = [f"{a.asked_at:%H:%M:%S} UTC · {a.report.issue[:80]}" for a in answers]
    chosen = st.selectbox(
        "History",
        range(len(answers)),
        index=len(answers) - 1,
        format_func=lambda n: names[n],
        key=f"history-{len(answers)}",
    )
    return int(chosen)


def _keep(answer: Answer, number: int, mine: Session) -> None:
    """Offer the report for download in each form, and to be remembered."""
    places = {e.id: (e.file, e.line) for e in answer.report.diagnosis.evidence}

    def page() -> str:
        around = lines_around(answer.paths, places, _AROUND)
        return reporting.report_to_html(answer.report, around, answer.stories)

    forms = (
        ("HTML", "html", "text/html", page),
        ("Markdown", "md", "text/markdown", lambda: reporting.report_to_markdown(answer.report)),
        ("JSON", "json", "application/json", lambda: reporting.report_to_json(answer.report)),
    )
    with st.container(horizontal=True):
        for name, ending, mime, make in forms:
            st.download_button(name, make, f"rca-report.{ending}", mime, key=f"{ending}-{number}", on_click="ignore",
                               icon=":material/download:")  # fmt: skip
        wanted = st.button("Remember as incident", key=f"remember-{number}")
    if wanted:
        try:
            kept = remember(reporting.report_to_dict(answer.report), mine.settings)
            st.toast(f"Incident {kept.incident.id} {'is kept' if kept.new else 'was kept before'}.")
        except RcaError as error:
            st.error(safe(str(error)))


def _questions(answer: Answer, number: int, mine: Session, loaded: Loaded) -> None:
    """Show the questions asked about an answer, and take another one."""
    _hear(answer, mine)
    for asked, (question, reply) in enumerate(answer.questions):
        with st.chat_message("user"):
            st.markdown(safe(question))
        with st.chat_message("assistant"):
            if isinstance(reply, ChatAnswer):
                _reply(reply)
            else:
                _findings(reply, answer, f"{number}-{asked}")
    if job := mine.jobs.get("question"):
        with st.chat_message("assistant"):
            watch(job, "question")
            _as_it_comes(answer.talk)
    place = st.container()  # not at the foot of the window: there Streamlit scrolls past the verdict
    busy = "question" in mine.jobs
    if another := place.chat_input("Ask about these logs", key="question", max_chars=2000, disabled=busy):
        _put(another, answer, mine, loaded)
        st.rerun()


def _put(question: str, answer: Answer, mine: Session, loaded: Loaded) -> None:
    """Give a question to the model, or where there is none, find the lines that are closest to it."""
    settings = mine.settings
    if why_unavailable(settings):
        answer.questions.append((question, closest(loaded, question)))
        return
    mine.jobs["question"] = Job(question, lambda tell: answer.talk.ask(question, settings, tell))


def _hear(answer: Answer, mine: Session) -> None:
    job = mine.jobs.get("question")
    if job is None or not job.done:
        return
    del mine.jobs["question"]
    if job.error:
        st.error(safe(job.error))
    elif job.result is not None:
        answer.questions.append((job.title, job.result))


@st.fragment(run_every=0.5)
def _as_it_comes(talk: Talk) -> None:
    if text := talk.so_far():
        st.caption("As it comes, not checked yet:")
        st.markdown(safe(text))


def _reply(reply: ChatAnswer) -> None:
    st.markdown(safe(reply.text))
    if reply.evidence:
        st.caption(f"Evidence: {', '.join(reply.evidence)}")
    for note in reply.notes:
        st.caption(safe(note))


def _key(mine: Session) -> None:
    """Say whether a language model is at hand, and let the user give a key for this session."""
    reason = why_unavailable(mine.settings)
    with st.popover("API key", icon=":material/key:", width="stretch"):
        st.caption(safe(reason or f"{mine.settings.llm.model} explains what was found, and answers questions."))
        with st.form("key", border=False, clear_on_submit=True):
            key = st.text_input("Key for this session", type="password", autocomplete="off")
            if st.form_submit_button("Use it") and key.strip():
                update = {"anthropic_api_key": SecretStr(key.strip()), "ai_provider": "claude"}
                mine.settings = mine.settings.model_copy(update=update)
                st.rerun()
        st.caption(
            "It stays in this session's memory; it is neither shown nor stored, and other sessions do not have it."
        )


def _findings(findings: Sequence[Finding], answer: Answer, key: str) -> None:
    """Show the lines that answer a question; without a language model nobody puts them into words."""
    if not findings:
        st.markdown("No line of these logs shares a telling word with the question.")
        return
    st.caption("The lines that are closest to the question; no language model is set up to put them into words.")
    for row, found in enumerate(findings):
        left, right = st.columns([6, 1], vertical_alignment="center")
        times = f" · {found.count:,} times" if found.count > 1 else ""
        left.markdown(f"{safe(found.file)}:{found.line} · {safe(found.service)} · {found.level}{times}")
        if right.button("Open", key=f"found-{key}-{row}", width="stretch"):
            open_line(found.file, found.line, answer.paths)
        st.code(found.message, language=None, wrap_lines=True)


if __name__ == "__main__":  # as Streamlit runs it
    show()
