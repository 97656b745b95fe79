from collections.abc import Iterator
from pathlib import Path

import pytest

from openstack_rca.retrieval.embeddings import MiniLmEmbedder, open_embedder
from openstack_rca.settings import VectorDb


@pytest.fixture(scope="session")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniLmEmbedder]:
    made = open_embedder(cache=tmp_path_factory.mktemp("cache"), threads=1)
    yield made
    assert made.cache is not None
    made.cache.close()


@pytest.fixture
def settings(tmp_path: Path) -> VectorDb:
    return VectorDb(persist_directory=tmp_path / "store", lock_wait=0.0)
