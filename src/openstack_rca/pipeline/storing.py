"""Paths -> vector store: logs read, mined and stored as entries; and how the store of the settings is opened."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from openstack_rca.errors import InputError
from openstack_rca.pipeline.reading import read_logs
from openstack_rca.records import Logs
from openstack_rca.retrieval import upkeep
from openstack_rca.retrieval.embeddings import MiniLmEmbedder, open_embedder
from openstack_rca.retrieval.entries import knowledge_entries, log_entries
from openstack_rca.retrieval.store import KNOWLEDGE, Entry, Ingested, VectorStore
from openstack_rca.settings import Settings
from openstack_rca.templates import DrainMiner

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Stored:
    """What became of logs that were stored: what was read, what was written and where, and what the store mended."""

    logs: Logs
    ingested: Ingested
    where: str
    notes: tuple[str, ...]


@contextmanager
def open_store(settings: Settings, *, writing: bool) -> Iterator[VectorStore]:
    """Yield the store that the settings name; its embedder is loaded when the first text is embedded.

    Raises what VectorStore raises: a store that is in use, is not ours, cannot be written, or a server that is silent.
    """
    with ExitStack() as opened:

        def embedder() -> MiniLmEmbedder:
            made = open_embedder(settings.vector_db.embedding_model)
            opened.callback(made.close)
            return made

        yield opened.enter_context(VectorStore(settings.vector_db, embedder, writing=writing))


@contextmanager
def open_existing_store(settings: Settings, *, writing: bool) -> Iterator[VectorStore]:
    """Yield the store as `open_store` does, but do not make one; raises InputError when there is none."""
    db = settings.vector_db
    try:
        there = bool(db.host) or any(db.persist_directory.iterdir())
    except FileNotFoundError:
        there = False
    except OSError as error:
        raise InputError(f"The vector store {db.persist_directory} cannot be read: {error.strerror}.") from error
    if not there:
        raise InputError(f"There is no vector store at {db.persist_directory}; 'vector-db ingest PATH' makes one.")
    with open_store(settings, writing=writing) as store:
        yield store


def ingest(paths: Sequence[Path], settings: Settings, progress: Progress) -> Stored:
    """Store what the logs below `paths` say, one entry per template, service, host and level.

    Raises InputError and NothingToRead for logs that cannot be used, and what `open_store` raises.
    """
    progress("reading logs", 0, 1)
    logs = read_logs(paths, settings)
    miner = DrainMiner()
    entries = log_entries(miner.assign(logs.table), miner.templates)
    progress("reading logs", 1, 1)
    done = 0

    def written(batch: Sequence[Entry]) -> None:
        nonlocal done
        done += len(batch)
        progress("vector store", done, len(entries))

    progress("vector store", 0, len(entries))
    with open_store(settings, writing=True) as store:
        ingested = store.ingest(settings.vector_db.collection_name, entries, written)
        return Stored(logs, ingested, store.where, tuple(store.notes))


def ingest_knowledge(settings: Settings) -> Ingested:
    """Store the failures that the package knows; what is there already stays untouched."""
    with open_store(settings, writing=True) as store:
        return store.ingest(KNOWLEDGE, knowledge_entries())


def clear_logs(settings: Settings) -> upkeep.Removed:
    """Empty the collection of ingested logs, if there is one."""
    with open_store(settings, writing=True) as store:
        if settings.vector_db.collection_name not in store.account.counts():
            return upkeep.Removed(store.where)
        return upkeep.clear(store)
