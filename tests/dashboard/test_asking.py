"""The page RCA Chat with the language model: through the vendor's SDK, over real HTTP, to a test server on loopback."""

import logging
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("streamlit", reason="the extra 'dashboard' is not installed")
pytest.importorskip("plotly", reason="the extra 'dashboard' is not installed")

from streamlit.testing.v1 import AppTest
from tests.dashboard.apptest import APP, analysed, button, go, healthy, load_incident, texts, until
from tests.diagnosis.claude.answers import answer, cause
from tests.messages_api.server import KEY, MODEL, Fails, MessagesApi, Says

from openstack_rca.dashboard.inputs import examples
from openstack_rca.reporting import report_to_dict

pytestmark = pytest.mark.skipif(not examples(), reason="the example incidents are not beside the package")

INCIDENT = "compute-2-killed"
STATEMENT = "nova-compute on compute-2 died at 09:16:18, so the scheduler leaves the host out."


@pytest.fixture
def app(app: AppTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> AppTest:
    caplog.set_level(logging.DEBUG)
    for name, value in (("MODEL", MODEL), ("MAX_RETRIES", "0"), ("TIMEOUT_SECONDS", "60"), ("CACHE", "false")):
        monkeypatch.setenv(f"OPENSTACK_RCA_LLM__{name}", value)
    return app


def with_key(app: AppTest) -> AppTest:
    """Load an incident, and type the key in as a user does."""
    load_incident(app.run(), INCIDENT)
    go(app, "chat")
    next(t for t in app.text_input if t.label == "Key for this session").set_value(KEY)
    return healthy(button(app, "Use it").click().run())


def everything(app: AppTest) -> str:
    return f"{texts(app)}{app.main}{app.sidebar}{app.session_state['session']!r}"


def answered(app: AppTest) -> Any:
    return app.session_state["session"].answers[-1].report


def test_words_appear_as_they_come_and_the_answer_is_the_report(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with MessagesApi([Says(answer(cause(quotes=[])), pause=0.4)]) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        with_key(app)
        button(app, "Analyse").click().run()
        until(app, lambda a: "as it comes" in texts(a))
        assert "analysis" in app.session_state["session"].jobs
        words = next(m.value for m in app.markdown if m.value.startswith("- nova"))
        assert STATEMENT.startswith(words[2:].replace("\\", "").replace("\u2060", ""))
        until(app, lambda a: a.session_state["session"].answers)
        other = AppTest.from_file(str(APP), default_timeout=60).run()
    assert api.problems == []
    report = answered(app)
    assert report.diagnosis.analyst == MODEL
    assert STATEMENT in [s.value.replace("\\", "") for s in app.subheader]
    assert report.diagnosis.causes[0].statement == STATEMENT
    assert any("cost about" in caption.value for caption in app.caption)
    assert "as it comes" not in texts(app)
    assert other.session_state["session"].settings.anthropic_api_key is None
    printed = "".join(capfd.readouterr())
    for place in (everything(app), everything(other), caplog.text, printed, str(report_to_dict(report))):
        assert KEY not in place


@pytest.mark.parametrize("failure", [Fails(529, "overloaded_error"), Fails(401, "authentication_error", f"bad {KEY}")])
def test_a_failing_api_gives_the_offline_answer_and_a_sentence(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failure: Fails
) -> None:
    with MessagesApi([failure] * 4) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        analysed(with_key(app))
    report = answered(app)
    assert report.diagnosis.analyst == "offline"
    assert report.diagnosis.causes[0].component == "nova-compute"
    assert any(caption.value.startswith("The language model") for caption in app.caption), report.notes
    assert KEY not in everything(app) + caplog.text + str(report_to_dict(report))


def test_a_question_is_answered_over_http_too(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = '{"answer": "nova-compute was killed, see E1.", "evidence": ["E1"]}'
    with MessagesApi([Says(answer(cause(quotes=[]))), Says(reply, pause=0.3), Fails(500, "api_error")]) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        analysed(with_key(app))
        app.chat_input[0].set_value("why?").run()
        until(app, lambda a: "As it comes" in texts(a))
        assert any(m.value and "nova-compute was killed, see E1.".startswith(m.value) for m in app.markdown)
        until(app, lambda a: a.session_state["session"].answers[0].questions)
        assert "nova-compute was killed, see E1." in texts(app).replace("\\", "")
        app.chat_input[0].set_value("and then?").run()
        until(app, lambda a: a.error)
    assert api.problems == []
    assert len(app.error[0].value) > 20
    assert KEY not in everything(app)


def test_the_key_is_in_no_file_and_on_no_page_of_another_session(app: AppTest, tmp_path: Path) -> None:
    other = AppTest.from_file(str(APP), default_timeout=60)
    with_key(app)
    for page in ("dashboard", "chat", "logs", "training", "rag"):
        go(other.run(), page)
        assert KEY not in everything(other)
    assert not [f for f in tmp_path.rglob("*") if f.is_file() and KEY.encode() in f.read_bytes()]
