"""Every page in Streamlit's AppTest, with an incident of our lab."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the extra 'dashboard' is not installed")

from streamlit.testing.v1 import AppTest

import openstack_rca
from openstack_rca.dashboard import inputs
from openstack_rca.dashboard.loading import SHELF

APP = Path(openstack_rca.__file__).parent / "dashboard" / "app.py"
INCIDENT = "cinder-volume-down"

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENSTACK_RCA_DASHBOARD__PASSWORD", raising=False)
    yield AppTest.from_file(str(APP), default_timeout=60)
    SHELF._kept.clear()


def go(app: AppTest, page: str) -> AppTest:
    """Open a page by its address, as a click in the navigation does."""
    from streamlit.runtime.pages_manager import PagesManager

    hashes = {p["url_pathname"]: h for h, p in app._pages.items()} if hasattr(app, "_pages") else {}
    del PagesManager, hashes
    app.query_params["p"] = page
    return app


def test_start(app: AppTest) -> None:
    app.run()
    assert not app.exception
    print(app.main)
