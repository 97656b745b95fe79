"""What one session knows: its settings, its logs, its analyses and its work; nothing of it is shared with another."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import streamlit as st

from openstack_rca.dashboard.followup import Finding
from openstack_rca.dashboard.loading import Loaded
from openstack_rca.dashboard.talking import Talk
from openstack_rca.dashboard.training_work import Trained
from openstack_rca.dashboard.work import Job
from openstack_rca.diagnosis.claude import ChatAnswer
from openstack_rca.records import Report, Story
from openstack_rca.settings import Settings, load_settings


@dataclass
class Answer:
    """One analysis of this session, with the follow-up questions asked about it."""

    report: Report
    paths: tuple[Path, ...]
    stories: tuple[Story, ...]
    asked_at: datetime
    talk: Talk
    questions: list[tuple[str, ChatAnswer | list[Finding]]] = field(default_factory=list)


@dataclass
class Session:
    """The state of one browser tab; the folders of its uploads go when the session does."""

    settings: Settings
    loaded: Loaded | None = None
    answers: list[Answer] = field(default_factory=list)
    jobs: dict[str, Job[Any]] = field(default_factory=dict)
    uploads: dict[tuple[str, ...], TemporaryDirectory[str]] = field(default_factory=dict)
    trained: Trained | None = None
    heard: list[str] = field(default_factory=list)
    """The words of the language model in the analysis that runs, as they come."""


def session() -> Session:
    """Return the state of the session that this run belongs to."""
    if "session" not in st.session_state:
        st.session_state["session"] = Session(load_settings())
    found: Session = st.session_state["session"]
    return found


def settings() -> Settings:
    """Return this session's settings; those that the page RAG Settings changes are changed here and nowhere else."""
    return session().settings
