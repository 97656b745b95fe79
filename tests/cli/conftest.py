from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def workplace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path) -> Path:
    """An empty folder to run commands in; vectors are kept beside it, not in the user's own cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("openstack_rca.retrieval.embeddings.cache_folder", lambda: cache)
    for name in ("CHROMA_HOST", "CHROMA_PORT", "CHROMA_PERSIST_DIR", "DATA_DIR", "MODELS_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
