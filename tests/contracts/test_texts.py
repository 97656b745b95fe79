"""What every TextIndex and every Embedder must do."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from openstack_rca.contracts import Embedder, TextIndex
from openstack_rca.errors import UnavailableError
from openstack_rca.retrieval.embeddings import MiniLmEmbedder, open_embedder
from openstack_rca.retrieval.store import Entry, VectorStore
from openstack_rca.retrieval.texts import StoreTexts, TfidfTexts
from openstack_rca.settings import VectorDb

TEXTS = {
    "disk/symptom": "Images cannot be uploaded: no space left on the disk",
    "broker/symptom": "The message broker is unreachable",
    "quota/cause": "The quota of volumes is used up",
}


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniLmEmbedder]:
    made = open_embedder(cache=tmp_path_factory.mktemp("cache"), threads=1)
    yield made
    made.close()


@pytest.fixture(params=["store", "words"])
def index(request: pytest.FixtureRequest, tmp_path: Path, embedder: MiniLmEmbedder) -> Iterator[TextIndex]:
    if request.param == "words":
        yield TfidfTexts()
        return
    with VectorStore(VectorDb(persist_directory=tmp_path / "store"), lambda: embedder) as store:
        yield StoreTexts(store, "incidents")


def test_the_closest_text_comes_first(index: TextIndex) -> None:
    index.renew(TEXTS)
    found = index.nearest("no space left on the disk of the image store", 3)
    assert found[0][0] == "disk/symptom"
    assert all(0 <= similarity <= 1 for _, similarity in found)
    assert [s for _, s in found] == sorted((s for _, s in found), reverse=True)
    assert len(index.nearest("quota of the broker", 1)) == 1


def test_renewing_replaces_all_texts(index: TextIndex) -> None:
    index.renew(TEXTS)
    index.renew({"broker/symptom": "A volume is stuck"})
    assert [key for key, _ in index.nearest("volume stuck", 10)] == ["broker/symptom"]
    index.renew({})
    assert list(index.nearest("volume stuck", 10)) == []


def test_an_empty_query_is_close_to_nothing(index: TextIndex) -> None:
    index.renew(TEXTS)
    assert list(index.nearest(" \n", 10)) == []


def test_a_reader_does_not_pass_old_texts_off_as_all(tmp_path: Path, embedder: MiniLmEmbedder) -> None:
    settings = VectorDb(persist_directory=tmp_path / "store")
    with VectorStore(settings, lambda: embedder) as owner:
        StoreTexts(owner, "incidents").renew(TEXTS)
        with VectorStore(settings, lambda: embedder, writing=False) as reader:
            texts = StoreTexts(reader, "incidents")
            texts.renew(TEXTS)
            assert texts.nearest("the broker", 1)[0][0] == "broker/symptom"
            with pytest.raises(UnavailableError, match="1 of 4 texts are not in the vector store"):
                texts.renew(TEXTS | {"new/symptom": "Nobody can log in"})


class Letters:
    """The smallest thing that is an Embedder: letters counted."""

    model_id, dimension = "letters", 26

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.array([[t.lower().count(chr(97 + n)) + 1e-3 for n in range(26)] for t in texts], np.float32)
        return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).reshape(len(texts), 26)


@pytest.mark.parametrize("name", ["minilm", "letters"])
def test_an_embedder_gives_unit_rows_in_order(name: str, embedder: MiniLmEmbedder, tmp_path: Path) -> None:
    one: Embedder = embedder if name == "minilm" else Letters()
    texts = ["disk full", "broker down", "disk full"]
    rows = one.embed(texts)
    assert rows.shape == (3, one.dimension)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.array_equal(rows[0], rows[2])
    assert np.array_equal(one.embed(texts[1:2])[0], rows[1])
    assert one.embed([]).shape == (0, one.dimension)
    with VectorStore(VectorDb(persist_directory=tmp_path / "store"), lambda: one) as store:
        store.ingest("openstack_logs", [Entry(text, text) for text in set(texts)])
        assert store.search("openstack_logs", "broker down", 1)[0].id == "broker down"
        assert store.models() == {"openstack_logs": (one.model_id, one.dimension)}
