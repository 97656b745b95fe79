"""The seam to ChromaDB: an embedded index in a folder, or a server. Foreign errors end here."""

import contextlib
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openstack_rca.errors import UnavailableError, UsageError
from openstack_rca.retrieval.ledger import SCHEMA, Metadata, Piece, Row

MAX_BATCH = 5_000  # ChromaDB takes 5461 at once

Vector = NDArray[np.float32]


class IndexFailure(UnavailableError):
    """ChromaDB failed: its files are damaged, its disk is full, or its server does not answer."""


class ChromaIndex:
    """Collections in cosine space that hold our vectors, never vectors of ChromaDB's own embedder."""

    def __init__(self, client: Any, where: str, sessions: Sequence[Any] = ()) -> None:
        """Wrap a client; `sessions` are the HTTP sessions that it forgets to close."""
        self._client = client
        self._sessions = sessions
        self._where = where
        self._opened: dict[str, Any] = {}

    def close(self) -> None:
        """Release the files of an embedded index, or the connections to a server."""
        self._opened.clear()
        with contextlib.suppress(Exception):
            self._client.close()
        for session in self._sessions:
            session.close()

    def models(self) -> dict[str, tuple[str, int]]:
        """Return model id and dimension by collection, of the collections that we made.

        Raises UsageError when a collection was made by another schema.
        """
        found = {}
        with self._translated():
            collections = self._client.list_collections()
        for collection in collections:
            about = collection.metadata or {}
            if "openstack_rca_schema" not in about:
                continue
            if about["openstack_rca_schema"] != SCHEMA:
                raise UsageError(
                    f"The collection {collection.name} of {self._where} has schema {about['openstack_rca_schema']}; "
                    f"this version reads schema {SCHEMA}."
                )
            found[collection.name] = (str(about["model"]), int(about["dimension"]))
        return found

    def create(self, name: str, model: str, dimension: int) -> None:
        """Make a collection unless it is there."""
        about = {"openstack_rca_schema": SCHEMA, "model": model, "dimension": dimension}
        with self._translated():
            self._opened[name] = self._client.get_or_create_collection(
                name, metadata=about, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
            )

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self._opened.pop(name, None)
        with self._translated():
            self._client.delete_collection(name)

    def counts(self) -> dict[str, int]:
        """Return the number of pieces by collection."""
        models = self.models()
        with self._translated():
            return {name: int(self._collection(name).count()) for name in models}

    def upsert(self, name: str, pieces: Sequence[Piece], before: Mapping[str, Metadata] | None = None) -> None:
        """Write pieces; those that are there are replaced.

        `before` is the metadata that they had: ChromaDB keeps an old key unless it is written as None.
        """
        cleared = {key: dict.fromkeys(about) for key, about in (before or {}).items()}
        for start in range(0, len(pieces), MAX_BATCH):
            some = pieces[start : start + MAX_BATCH]
            with self._translated():
                self._collection(name).upsert(
                    ids=[p.id for p in some],
                    embeddings=[p.vector for p in some],
                    documents=[p.text for p in some],
                    metadatas=[{**cleared.get(p.id, {}), **p.metadata, "entry": p.entry} for p in some],
                )

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Remove pieces."""
        for start in range(0, len(ids), MAX_BATCH):
            with self._translated():
                self._collection(name).delete(ids=list(ids[start : start + MAX_BATCH]))

    def get(self, name: str, ids: Sequence[str]) -> dict[str, Piece]:
        """Return those of the pieces that are there, by id."""
        if not ids:
            return {}
        with self._translated():
            got = self._collection(name).get(ids=list(ids), include=["embeddings", "documents", "metadatas"])
        return {piece.id: piece for piece in _pieces(got)}

    def known(self, name: str, ids: Sequence[str]) -> dict[str, Row]:
        """Return those of the pieces that are there, by id, without their vectors."""
        if not ids:
            return {}
        with self._translated():
            got = self._collection(name).get(ids=list(ids), include=["documents", "metadatas"])
        rows = zip(got["ids"], got["documents"], got["metadatas"], strict=True)
        return {key: _row(key, text, about) for key, text, about in rows}

    def ids(self, name: str, entries: Sequence[str]) -> list[str]:
        """Return the ids of the pieces of some entries."""
        if not entries:
            return []
        with self._translated():
            return list(self._collection(name).get(where={"entry": {"$in": list(entries)}}, include=[])["ids"])

    def entries(self, name: str) -> set[str]:
        """Return the ids of a collection's entries."""
        return {piece.entry for pieces in self.pieces(name) for piece in pieces}

    def pieces(self, name: str, size: int = 1_000) -> Iterator[list[Piece]]:
        """Yield all pieces of a collection in portions."""
        offset = 0
        while True:
            with self._translated():
                got = self._collection(name).get(
                    limit=size, offset=offset, include=["embeddings", "documents", "metadatas"]
                )
            if not got["ids"]:
                return
            yield _pieces(got)
            offset += size

    def nearest(
        self, name: str, vector: Vector, limit: int, where: dict[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """Return the ids of the pieces closest to a unit vector with their cosines; ChromaDB gives 1 - cosine."""
        with self._translated():
            got = self._collection(name).query(
                query_embeddings=[vector], n_results=limit, where=where, include=["distances"]
            )
        return [(key, 1.0 - float(far)) for key, far in zip(got["ids"][0], got["distances"][0], strict=True)]

    def _collection(self, name: str) -> Any:
        if name not in self._opened:
            self._opened[name] = self._client.get_collection(name, embedding_function=None)
        return self._opened[name]

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        with translated(self._where):
            yield


def open_embedded(folder: Path) -> ChromaIndex:
    """Open or make the index in a folder; only the holder of the store's lock may. Raises IndexFailure."""
    import chromadb

    with translated(str(folder)):
        return ChromaIndex(chromadb.PersistentClient(str(folder), settings=_settings()), str(folder))


def ask_server(host: str, port: int, timeout: float) -> None:
    """Return when a Chroma server answers within `timeout` seconds; raises IndexFailure when it does not."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/api/v2/heartbeat", timeout=timeout) as answer:
            answer.read()
    except (OSError, ValueError, HTTPException) as error:
        raise IndexFailure(f"The Chroma server {host}:{port} does not answer ({_reason(error)}).") from error


def open_server(host: str, port: int, timeout: float) -> ChromaIndex:
    """Connect to a Chroma server; no call waits longer than `timeout` seconds. Raises IndexFailure."""
    ask_server(host, port, timeout)
    import chromadb  # takes a second, which is not the server's
    import httpx

    where = f"the Chroma server {host}:{port}"
    with translated(where):
        client = _within(timeout, lambda: chromadb.HttpClient(host, port, settings=_settings()), where)
        sessions = _sessions(client)
        for session in sessions:  # there is no public way to set a time-out
            session.timeout = httpx.Timeout(timeout)
    return ChromaIndex(client, where, sessions)


def _sessions(client: Any) -> list[Any]:
    """Return the HTTP sessions of a client: it keeps a second connection for what it calls admin."""
    return [vars(part)["_server"]._session for part in (client, vars(client)["_admin_client"])]


def _within(timeout: float, call: Callable[[], Any], where: str) -> Any:
    """Return what a call returns; it is left behind when it takes too long: ChromaDB's client waits while it is made.

    Raises IndexFailure when the time is over, and what the call raises.
    """
    answers: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue()

    def answer() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=answer, daemon=True).start()
    try:
        result, error = answers.get(timeout=timeout)
    except queue.Empty:
        raise IndexFailure(f"{where[0].upper()}{where[1:]} does not answer (timed out).") from None
    if error:
        raise error
    return result


@contextlib.contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn whatever ChromaDB raises, a panic of its Rust core included, into an IndexFailure."""
    try:
        yield
    except (UsageError, UnavailableError):
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        raise IndexFailure(f"The vector index at {where} failed: {_reason(error)}.") from error


def _settings() -> Any:
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


def _reason(error: BaseException) -> str:
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")


def _pieces(got: Any) -> list[Piece]:
    rows = zip(got["ids"], got["documents"], got["metadatas"], got["embeddings"], strict=True)
    return [Piece(key, *_row(key, text, about), np.asarray(vector, np.float32)) for key, text, about, vector in rows]


def _row(key: str, text: str | None, about: Any) -> Row:
    metadata = dict(about or {})
    return str(metadata.pop("entry", key)), text or "", metadata
