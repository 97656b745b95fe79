"""Every page in Streamlit's AppTest, with incidents of our lab."""

import json
import shutil
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

pytest.importorskip("streamlit", reason="the extra 'dashboard' is not installed")
pytest.importorskip("plotly", reason="the extra 'dashboard' is not installed")

from streamlit.testing.v1 import AppTest
from tests.dashboard.apptest import APP, analysed, button, go, healthy, load_incident, texts, until

from openstack_rca.dashboard.inputs import EXAMPLES, examples
from openstack_rca.pipeline import storing
from openstack_rca.settings import load_settings

INCIDENT = "compute-ram-exhausted"

pytestmark = pytest.mark.skipif(not examples(), reason="the example incidents are not beside the package")


@pytest.fixture
def loaded(app: AppTest) -> AppTest:
    return load_incident(app.run(), INCIDENT)


def frames(app: AppTest) -> list[list[str]]:
    return [list(frame.value.columns) for frame in app.dataframe]


def test_without_logs_every_page_says_how_to_begin(app: AppTest) -> None:
    healthy(app.run())
    assert [b.label for b in app.main.button].count("Open") == 6
    assert "Creating volumes fails with HTTP 500" in " ".join(m.value for m in app.main.markdown), (
        "what users saw is the title"
    )
    for page in ("chat", "logs", "training", "rag"):
        go(app, page)
    assert "Load logs at the left first" in texts(go(app, "logs"))


def test_an_example_opens_with_one_click(app: AppTest) -> None:
    app.run()
    app.main.button[0].click().run()
    until(app, lambda a: a.session_state["session"].loaded)
    assert "Not healthy" in texts(app)


def test_dashboard_shows_what_is_wrong_since_when_and_what_is_new(loaded: AppTest) -> None:
    assert "Not healthy: failures set in at 2026-11-22" in texts(loaded)
    assert {m.label for m in loaded.metric} == {"Records", "Errors", "Services", "Hosts", "Time span"}
    services, hosts, news = (frame.value for frame in loaded.dataframe[-3:])
    assert "nova-compute" in set(services["service"])
    assert {"compute-1", "compute-2", "compute-3"} <= set(hosts["host"])
    assert news["message"].str.contains("Over capacity").any()


def test_chat_answers_with_evidence_and_keeps_the_incident(loaded: AppTest, tmp_path: Path) -> None:
    analysed(loaded)
    shown = texts(loaded)
    report = loaded.session_state["session"].answers[0].report
    assert report.diagnosis.causes[0].component in shown
    assert any(report.diagnosis.evidence[0].text.strip() in code.value for code in loaded.code)
    button(loaded, "Remember as incident").click().run()
    assert len(list((tmp_path / "incidents").rglob("*.json"))) == 1
    loaded.session_state["part"] = "Incidents"
    go(loaded, "rag")
    assert any(report.issue[:40] in expander.label.replace("\\", "") for expander in loaded.expander)


def test_evidence_opens_at_its_line_with_context(loaded: AppTest) -> None:
    analysed(loaded)
    evidence = loaded.session_state["session"].answers[0].report.diagnosis.evidence[0]
    loaded.button(key=f"answer-0-{evidence.id}").click().run()
    opened = next(code.value for code in loaded.code if "▶" in code.value)
    marked = next(line for line in opened.splitlines() if line.startswith("▶"))
    assert marked.split()[1] == str(evidence.line)
    assert evidence.text.split()[-1] in marked
    assert len(opened.splitlines()) > 10
    assert opened.splitlines().index(marked) <= 3, "what belongs to a line stands below it"


def test_without_a_key_the_model_cannot_be_switched_on(loaded: AppTest) -> None:
    go(loaded, "chat")
    [model] = [t for t in loaded.toggle if t.label == "Language model"]
    assert model.disabled
    assert "There is no key" in texts(loaded)
    assert not model.value


def test_a_follow_up_question_is_answered_with_lines(loaded: AppTest) -> None:
    analysed(loaded)
    loaded.chat_input[0].set_value("which provider was over capacity for memory").run()
    healthy(loaded)
    assert any("Over capacity for MEMORY_MB" in code.value for code in loaded.code)
    question, findings = loaded.session_state["session"].answers[0].questions[0]
    assert question.startswith("which provider")
    assert "Over capacity" in findings[0].message


def test_a_second_analysis_keeps_the_first_in_the_history(loaded: AppTest) -> None:
    analysed(loaded)
    loaded.text_area[0].set_value("Volumes cannot be attached")
    button(loaded, "Analyse").click().run()
    until(loaded, lambda a: len(a.session_state["session"].answers) == 2)
    history = loaded.selectbox(key="history-2")
    assert history.value == 1
    history.select(0).run()
    assert healthy(loaded)
    assert "No valid host" in texts(loaded)


def test_an_empty_issue_is_one_sentence(loaded: AppTest) -> None:
    go(loaded, "chat")
    loaded.text_area[0].set_value("  ")
    button(loaded, "Analyse").click().run()
    until(loaded, lambda a: a.error)
    assert "issue is empty" in loaded.error[0].value


def rows(app: AppTest) -> list[dict[str, object]]:
    return next(f.value for f in app.dataframe if "level" in f.value.columns).to_dict("records")


def test_log_analysis_filters(loaded: AppTest) -> None:
    go(loaded, "logs")
    loaded.multiselect(key="levels").select("ERROR").run()
    assert rows(loaded)
    assert {r["level"] for r in rows(loaded)} == {"ERROR"}
    loaded.multiselect(key="services").select("nova-conductor").run()
    assert {r["service"] for r in rows(loaded)} == {"nova-conductor"}
    loaded.text_input(key="text").set_value("no valid HOST").run()
    assert all("No valid host" in str(r["message"]) for r in rows(loaded))
    loaded.toggle(key="regex").set_value(True).run()
    loaded.text_input(key="text").set_value("(").run()
    assert "no regular expression" in healthy(loaded).error[0].value.replace("\\", "")


def test_the_views_hold_what_the_logs_know(loaded: AppTest) -> None:
    go(loaded, "logs")
    for view, column in (("requests", "outcome"), ("capacity", "kind"), ("audit", "status")):
        loaded.session_state["view"] = view
        healthy(loaded.run())
        assert any(column in names for names in frames(loaded)), view


@pytest.fixture
def few_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One case to learn from, one that is held back, and a network that learns fast."""
    for name in ("policy-forbids-create", "neutron-server-down"):
        shutil.copytree(EXAMPLES / name, tmp_path / "cases" / name)
    monkeypatch.setenv("OPENSTACK_RCA_LSTM__UNITS", "8")
    monkeypatch.setenv("OPENSTACK_RCA_LSTM__SEQUENCE_LENGTH", "4")
    return tmp_path / "cases"


def train(app: AppTest, cases: Path) -> AppTest:
    go(app.run(), "training")
    app.selectbox(key="learn-from").select("Folder of cases")
    app.text_input(key="cases").set_value(str(cases))
    app.number_input(key="epochs").set_value(2)
    button(app, "Train").click().run()
    return until(app, lambda a: "training" not in a.session_state["session"].jobs, 240)


@pytest.mark.skipif(find_spec("keras") is None, reason="the extra 'training' is not installed")
def test_a_training_ends_with_scores_beside_simple_rules_and_a_model_in_use(app: AppTest, few_cases: Path) -> None:
    train(app, few_cases)
    assert "Trained in" in healthy(app).success[0].value, [e.value for e in app.error]
    trained = app.session_state["session"].trained
    [scores] = trained.scores.values()
    assert {"lstm", "mlp", "TF-IDF", "keyword rule", "majority class"} <= set(scores)
    table = next(m.value for m in app.markdown if m.value.startswith("| method"))
    assert f"| keyword rule | {scores['keyword rule']['accuracy']:.3f} |" in table
    assert any("a simple rule by:" in c.value for c in app.caption)
    losses = app.session_state["curves"].losses
    assert {"important records", "independent records"} <= set(losses)
    assert all(len(course) == 2 for course in losses.values())
    assert [e.label for e in app.expander if "·" in e.label] == ["LSTM · your own", "MLP · your own"]
    assert "neutron-server-down" in texts(app)
    assert (few_cases.parent / "saved_models" / "model-card.md").read_text().startswith("# Model card")
    other = AppTest.from_file(str(APP), default_timeout=60).run()
    assert "LSTM · your own" in [e.label for e in go(other, "training").expander]


def test_a_training_that_fails_says_why(app: AppTest, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    train(app, tmp_path / "empty")
    assert "holds no case" in healthy(app).error[0].value


def test_changed_settings_are_those_of_this_session_only(app: AppTest) -> None:
    go(app.run(), "rag")
    app.slider[0].set_value(0.35)
    button(app, "Use in this session").click().run()
    assert healthy(app).session_state["session"].settings.rag.similarity_threshold == 0.35
    other = AppTest.from_file(str(APP), default_timeout=60).run()
    assert other.session_state["session"].settings.rag.similarity_threshold == 0.7


def test_a_store_is_verified_and_backed_up_one_after_the_other(app: AppTest, tmp_path: Path) -> None:
    settings = load_settings()
    storing.ingest((EXAMPLES / "policy-forbids-create" / "logs",), settings, lambda stage, done, total: None)
    app.session_state["part"] = "Vector store"
    go(app.run(), "rag")
    assert app.dataframe[0].value["pieces"][0] > 100
    for key in ("verify", "backup"):
        app.button(key=key).click().run()
        until(app, lambda a: a.session_state["session"].jobs["store"].done)
        healthy(app.run())
        assert not app.error, app.error[0].value
        if key == "verify":
            assert app.success[0].value == "Nothing is wrong."
    content = app.session_state["session"].jobs["store"].result
    assert ZipFile(BytesIO(content)).namelist()


def test_an_incident_is_edited_and_deleted(loaded: AppTest, tmp_path: Path) -> None:
    analysed(loaded)
    button(loaded, "Remember as incident").click().run()
    loaded.session_state["part"] = "Incidents"
    go(loaded, "rag")
    solution = next(t for t in loaded.text_area if t.label == "What solved it")
    solution.set_value("Added a compute host")
    assert any(caption.value.startswith("Not confirmed yet") for caption in loaded.caption)
    button(loaded, "Save as confirmed").click().run()
    assert not any(caption.value.startswith("Not confirmed yet") for caption in loaded.caption)
    file = next((tmp_path / "incidents").rglob("*.json"))
    kept = json.loads(file.read_text())
    assert (kept["solution"], kept["confirmed"]) == ("Added a compute host", True)
    button(loaded, "Delete").click().run()
    assert not list((tmp_path / "incidents").rglob("*.json"))


def test_the_password_is_asked_for_before_anything_is_shown(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSTACK_RCA_DASHBOARD__PASSWORD", "open sesame")
    healthy(app.run())
    assert not app.sidebar.selectbox
    app.text_input[0].set_value("open")
    app.button[0].click().run()
    assert "not the password" in app.error[0].value
    assert not app.sidebar.selectbox
    app.text_input[0].set_value("open sesame")
    app.button[0].click().run()
    assert healthy(app).sidebar.selectbox


def test_a_key_in_the_environment_is_shown_on_no_page(loaded: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-very-secret")
    for page in ("dashboard", "chat", "logs", "training", "rag"):
        go(loaded, page)
        assert "very-secret" not in texts(loaded)
        assert "very-secret" not in str(loaded.main)


def test_a_key_that_is_typed_in_stays_in_its_session(loaded: AppTest) -> None:
    analysed(loaded)
    next(t for t in loaded.text_input if t.label == "Key for this session").set_value("sk-ant-mine-alone")
    button(loaded, "Use it").click().run()
    kept = healthy(loaded).session_state["session"].settings.anthropic_api_key
    assert kept.get_secret_value() == "sk-ant-mine-alone"
    assert "mine-alone" not in texts(loaded) + repr(loaded.session_state["session"].settings)
    other = AppTest.from_file(str(APP), default_timeout=60).run()
    assert other.session_state["session"].settings.anthropic_api_key is None


def test_a_folder_that_is_not_there_cannot_be_loaded(app: AppTest) -> None:
    app.run()
    app.sidebar.radio(key="way").set_value("Folder on the server").run()
    app.sidebar.text_input(key="folder").set_value("nowhere").run()
    assert "There is no nowhere" in healthy(app).sidebar.caption[-1].value.replace("\\", "")
    assert app.sidebar.button(key="load").disabled


def test_a_server_open_to_others_reads_only_its_data_folder(
    app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr("openstack_rca.dashboard.inputs.on_loopback", lambda: False)
    app.run()
    app.sidebar.radio(key="way").set_value("Folder on the server").run()
    app.sidebar.text_input(key="folder").set_value("logs").run()
    assert not app.sidebar.button(key="load").disabled
    for outside in ("/etc", "logs/../..", str(tmp_path)):
        app.sidebar.text_input(key="folder").set_value(outside).run()
        assert app.sidebar.button(key="load").disabled, outside
