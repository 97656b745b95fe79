"""`analyze` with the language model: through the vendor's SDK, over real HTTP, to a test server on loopback."""

from pathlib import Path

import pytest
from tests.diagnosis.claude.answers import answer, cause
from tests.messages_api.server import KEY, MODEL, Fails, MessagesApi, Says

from openstack_rca.errors import UnavailableError
from openstack_rca.pipeline import AnalysisRequest, analyze, dry_run
from openstack_rca.settings import Settings, load_settings

INCIDENTS = Path(__file__).parents[2] / "examples" / "incidents"
LOGS = (INCIDENTS / "compute-2-killed" / "logs",)
BASELINE = (INCIDENTS / "baseline-1" / "logs",)
ISSUE = "No new server is placed on compute-2"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def settings_for(url: str) -> Settings:
    llm = {"model": MODEL, "max_retries": 0, "timeout_seconds": 60.0, "cache": False}
    return load_settings(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=url, llm=llm)


def request(fast: bool, llm: bool | None = None) -> AnalysisRequest:
    return AnalysisRequest(ISSUE, LOGS, BASELINE, fast=fast, llm=llm)


@pytest.mark.parametrize("fast", [True, False])
def test_the_model_concludes_and_its_words_are_heard_while_they_come(fast):
    heard = []
    with MessagesApi([Says(answer(cause(quotes=[])))]) as api:
        report = analyze(request(fast), settings_for(api.url), heard=heard.append)
    assert api.problems == []
    assert report.diagnosis.analyst == MODEL
    assert report.diagnosis.causes[0].statement.startswith("nova-compute on compute-2 died")
    assert report.llm.calls == 1
    assert any("cost about" in note for note in report.notes)
    assert "nova-compute on compute-2 died" in "".join(heard)


@pytest.mark.parametrize(
    "failure",
    [
        Fails(500, "api_error"),
        Fails(529, "overloaded_error"),
        Fails(429, "rate_limit_error"),
        Says("not JSON"),
        Says("I will not.", stop="refusal"),
        Says(answer()[:60], stop="max_tokens"),
        Says(answer(), breaks_after=4),
    ],
)
def test_a_failure_gives_the_offline_report_and_a_sentence(failure):
    with MessagesApi([failure] * 4) as api:
        report = analyze(request(True), settings_for(api.url))
    assert report.diagnosis.analyst == "offline"
    assert report.diagnosis.causes[0].component == "nova-compute"
    assert report.notes


def test_without_a_key_it_cannot_be_insisted_on_and_a_dry_run_works():
    with pytest.raises(UnavailableError, match="ANTHROPIC_API_KEY"):
        analyze(request(True, llm=True), load_settings())
    assert "Nothing was sent" in dry_run(request(True), load_settings())
