import socket
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.cases import lab

from openstack_rca.incidents.incident import Culprit
from openstack_rca.pipeline.analysis import AnalysisRequest, analyze
from openstack_rca.pipeline.memory import open_memory, recall, remember, without_memory
from openstack_rca.records import Report
from openstack_rca.reporting import report_to_dict
from openstack_rca.retrieval.store import INCIDENTS, Entry, VectorStore
from openstack_rca.settings import Settings, VectorDb

CASE, OTHER = "glance-image-data-missing", "rabbitmq-stopped"
DAY = timedelta(days=1)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("openstack_rca.retrieval.embeddings.cache_folder", lambda: tmp_path / "cache")
    return Settings(incidents_dir=tmp_path / "incidents", chroma_persist_dir=tmp_path / "db")


def report(case: str = CASE) -> Report:
    return replace(lab.report(case), mode="full")


def solved(report: Report, settings: Settings, culprit: Culprit | None = None, days: int = 1) -> str:
    then = replace(report, created_at=report.created_at - days * DAY)
    key = remember(report_to_dict(then), settings).incident.id
    with open_memory(settings, fast=True) as (memory, _):
        memory.resolve(key, "Restored the image.", then.created_at.replace(tzinfo=UTC), culprit=culprit)
    return key


def without_words(settings: Settings, report: Report) -> str:
    """Remember an incident of which only the users' words are known."""
    return remember(report_to_dict(replace(report, patterns=())), settings).incident.id


def test_a_past_incident_is_shown_and_speaks_for_its_cause(settings: Settings) -> None:
    now = report()
    key = solved(now, settings)
    told = recall(now, settings)
    assert [(s.id, s.solution, s.confirmed) for s in told.similar_incidents] == [(key, "Restored the image.", True)]
    assert told.diagnosis.causes[0].confidence > now.diagnosis.causes[0].confidence
    assert told.diagnosis.causes[0].component == now.diagnosis.causes[0].component
    assert not settings.vector_db.persist_directory.exists(), "the store was not needed"


def test_a_memory_full_of_another_fault_changes_nothing(settings: Settings) -> None:
    now = report()
    for days in range(40):
        solved(report(OTHER), settings, days=days)
    assert recall(now, settings) == now


def test_an_old_habit_does_not_push_out_what_the_logs_prove(settings: Settings) -> None:
    now = report()
    wrong = Culprit("keystone", "keystone", None, "auth-failure")
    for days in range(300, 310):
        solved(now, settings, wrong, days)
    causes = recall(now, settings).diagnosis.causes
    assert causes[0].component == now.diagnosis.causes[0].component
    assert len(causes) <= settings.analysis.max_causes
    assert all(c.evidence for c in causes)


def test_scores_are_made_without_memory(settings: Settings) -> None:
    now = report()
    solved(now, settings)
    assert recall(now, without_memory(settings)) == now
    assert without_memory(settings).rag.enable_historical_learning == settings.rag.enable_historical_learning


def test_a_silent_server_turns_full_mode_into_fast_and_words_are_compared(settings: Settings) -> None:
    now = report()
    key = without_words(settings, now)
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        db = VectorDb(host="127.0.0.1", port=silent.getsockname()[1], timeout=0.3)
        told = recall(now, settings.model_copy(update={"vector_db": db}))
    assert told.mode == "fast"
    assert [(s.id, s.confirmed) for s in told.similar_incidents] == [(key, False)]
    (note,) = told.notes[len(now.notes) :]
    assert note.startswith("Past incidents are compared by words, not by meaning: The Chroma server ")


def test_a_store_of_another_model_does_not_end_an_analysis(settings: Settings) -> None:
    class Other:
        model_id, dimension = "other-model", 2

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return np.tile(np.array([1, 0], np.float32), (len(texts), 1))

    now = report()
    without_words(settings, now)
    with VectorStore(settings.vector_db, Other) as store:
        store.ingest(INCIDENTS, [Entry("old", "something old")])
    told = recall(now, settings)
    assert told.mode == "fast"
    assert "was written with the model other-model" in told.notes[-1]
    assert len(told.similar_incidents) == 1


def test_by_meaning_where_the_store_can_be_had(settings: Settings) -> None:
    now = report()
    without_words(settings, now)
    told = recall(now, settings)
    assert (told.mode, told.notes) == ("full", now.notes)
    assert told.similar_incidents[0].similarity == pytest.approx(1.0, abs=1e-3)
    assert settings.vector_db.persist_directory.exists()


def test_a_damaged_incident_is_named(settings: Settings) -> None:
    settings.incidents_dir.mkdir()
    (settings.incidents_dir / "cut.json").write_text("{")
    assert recall(report(), settings).notes[-1].startswith("The incident cut.json was left out: ")


def test_a_folder_of_incidents_that_cannot_be_read_is_named(settings: Settings) -> None:
    now = report()
    settings.incidents_dir.write_text("")
    told = recall(now, settings)
    assert told.notes[-1].startswith("Past incidents took no part: The incidents in ")
    assert told.notes[-1].endswith("cannot be read: Not a directory.")
    assert told.diagnosis == now.diagnosis


def test_what_hangs_on_the_first_cause_is_told_anew_when_memory_changes_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recalled(report: Report, settings: Settings) -> Report:
        first = replace(report.diagnosis.causes[0], component="rabbitmq", service="rabbitmq", type="quota")
        return replace(report, diagnosis=replace(report.diagnosis, causes=(first,)), notes=("as before",))

    monkeypatch.setattr("openstack_rca.pipeline.analysis.recall", recalled)
    request = AnalysisRequest("Servers fail", (lab.logs(CASE),), (lab.BASELINE,), llm=False)
    told = analyze(request, settings)
    assert told.diagnosis.causes[0].component == told.affected_services[0] == "rabbitmq"
    assert (told.category, told.severity) == ("Resource Management", "critical")
    assert told.notes == ("as before",)
