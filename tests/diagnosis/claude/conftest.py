from pathlib import Path
from typing import Any

import pytest
from benchmarks.context import read_case
from tests.messages_api.server import KEY, MODEL

from openstack_rca.diagnosis import Case, OfflineAnalyst
from openstack_rca.pipeline.cases import load_cases
from openstack_rca.records import Diagnosis
from openstack_rca.settings import Settings, load_settings

INCIDENTS = Path(__file__).parents[3] / "examples" / "incidents"


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "AI_PROVIDER", "AI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def case() -> Case:
    [found] = load_cases(INCIDENTS / "compute-2-killed", INCIDENTS / "baseline-1" / "logs")
    return read_case(found, Settings())


@pytest.fixture(scope="session")
def offline(case: Case) -> Diagnosis:
    return OfflineAnalyst(Settings().analysis).diagnose(case)


def settings_for(url: str, **llm: Any) -> Settings:
    limits = {"model": MODEL, "max_retries": 0, "timeout_seconds": 60.0, **llm}
    return load_settings(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=url, llm=limits)


@pytest.fixture
def heard() -> list[str]:
    return []
