from pathlib import Path

import polars as pl
import pytest

from openstack_rca.parsing import LogParser
from openstack_rca.retrieval.chunks import chunks
from openstack_rca.retrieval.embeddings import MiniLmEmbedder
from openstack_rca.retrieval.entries import knowledge_entries, log_entries
from openstack_rca.retrieval.store import INCIDENTS, KNOWLEDGE, VectorStore
from openstack_rca.retrieval.texts import StoreTexts, TfidfTexts
from openstack_rca.settings import VectorDb
from openstack_rca.sources import PathSource
from openstack_rca.templates import DrainMiner

CASE = Path(__file__).parents[2] / "examples/incidents/glance-store-full/logs"


def read() -> tuple[pl.DataFrame, DrainMiner]:
    miner = DrainMiner()
    return miner.assign(LogParser().parse(PathSource([CASE / "glance-api.log.gz"]).files()).table), miner


def test_logs_become_one_entry_per_template_service_host_and_level() -> None:
    table, miner = read()
    entries = log_entries(table, miner.templates)
    assert len({e.id for e in entries}) == len(entries) < len(table) / 3
    assert sum(int(e.metadata["count"]) for e in entries) == len(table)
    full = next(e for e in entries if "No space left" in e.text or "storage" in e.text.lower())
    assert full.metadata["service"] == "glance-api"
    assert str(full.metadata["first"]) <= str(full.metadata["last"])
    assert str(full.metadata["first"]).endswith("Z")
    again, other = read()
    assert log_entries(again, other.templates) == entries


def test_a_log_that_has_grown_renews_its_entries(settings: VectorDb, embedder: MiniLmEmbedder) -> None:
    table, miner = read()
    half, whole = (log_entries(part, miner.templates) for part in (table.head(len(table) // 2), table))
    with VectorStore(settings, lambda: embedder) as store:
        store.ingest("openstack_logs", half)
        store.ingest("openstack_logs", whole)
        assert store.count("openstack_logs") == len(whole)


def test_what_we_know_is_found_by_what_the_user_saw(settings: VectorDb, embedder: MiniLmEmbedder) -> None:
    known = knowledge_entries()
    assert len({e.id for e in known}) == len(known) > 10
    chosen = [e for e in known if e.metadata["area"] in ("messaging", "identity")]
    with VectorStore(settings, lambda: embedder) as store:
        store.ingest(KNOWLEDGE, chosen)
        best = store.search(KNOWLEDGE, "the message broker refuses the password", 3)
        assert "messaging" in {f.metadata["area"] for f in best}


@pytest.mark.parametrize("kind", ["store", "tfidf"])
def test_texts_are_renewed_and_equal_texts_stay_apart(settings: VectorDb, embedder: MiniLmEmbedder, kind: str) -> None:
    with VectorStore(settings, lambda: embedder) as store:
        texts = StoreTexts(store, INCIDENTS) if kind == "store" else TfidfTexts()
        texts.renew({"a": "the disk is full", "b": "the disk is full", "c": "rabbitmq is down"})
        assert {key for key, _ in texts.nearest("disk full", 2)} == {"a", "b"}
        texts.renew({"c": "rabbitmq is down"})
        assert [key for key, _ in texts.nearest("rabbitmq", 5)] == ["c"]
        assert texts.nearest("", 5) == []


def test_chunks_keep_every_word_and_the_limit() -> None:
    text = "one two three\nfour five six seven eight nine ten " * 40
    parts = chunks(text, 100)
    assert all(len(part) <= 100 for part in parts)
    assert " ".join(parts).split() == text.split()
    assert chunks("x" * 250, 100) == ["x" * 100, "x" * 100, "x" * 50]
    assert chunks("", 100) == [""]
