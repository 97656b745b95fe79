from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """The dashboard in a folder of its own, without a key in the environment."""
    from streamlit.testing.v1 import AppTest
    from tests.dashboard.apptest import APP

    from openstack_rca.dashboard.loading import SHELF

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.setattr("openstack_rca.dashboard.inputs.on_loopback", lambda: True)
    yield AppTest.from_file(str(APP), default_timeout=60)
    SHELF._kept.clear()
