"""The vector store: entries go in with their vectors, the closest to a query come out."""

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from sqlite3 import Error as SqliteError
from types import TracebackType
from typing import Any, Self

from openstack_rca.contracts import Embedder
from openstack_rca.errors import UnavailableError, UsageError
from openstack_rca.retrieval.chroma import ChromaIndex, Vector, open_server
from openstack_rca.retrieval.chunks import chunks
from openstack_rca.retrieval.home import StoreHome
from openstack_rca.retrieval.ledger import Ledger, Metadata, Piece, Row
from openstack_rca.settings import VectorDb

INCIDENTS, KNOWLEDGE = "incidents", "knowledge"
"""Collections beside that of the logs, which the setting `collection_name` names."""

MAX_RESULTS = 10_000
_FEWEST = 50  # pieces that are read at once for a search
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,98}[A-Za-z0-9]")
_BATCH = 500
_WIDER, _WIDER_FILTERED = 10, 50  # pieces asked for per entry wanted: filters, chunks and equal texts leave some out


@dataclass(frozen=True)
class Entry:
    """Something to find again: a text and what is known about it (service, host, level, template, first, last, count).

    `id` is derived from the content, so that the same entry written twice is one.
    """

    id: str
    text: str
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """An entry that a search found: the chunk that is closest to the query, and its cosine to it, 0 to 1."""

    id: str
    similarity: float
    text: str
    metadata: Metadata


@dataclass(frozen=True)
class Ingested:
    """What an ingest did: entries given, how many were new or changed, pieces written, and how long it took."""

    collection: str
    entries: int
    changed: int
    pieces: int
    seconds: float


@dataclass(frozen=True)
class _Fit:
    """Which of the closest pieces a search returns."""

    where: dict[str, str]
    threshold: float
    distinct: bool

    def best(self, nearest: Iterable[tuple[Row, float]], wanted: int) -> list[Found]:
        """Keep the closest piece of each entry, and of each text if so wanted, of the first that fit."""
        found: list[Found] = []
        seen: set[tuple[str, str]] = set()
        for (entry, text, metadata), cosine in nearest:
            similarity = min(1.0, max(0.0, cosine))
            fits = all(metadata.get(key) == value for key, value in self.where.items())
            names = {("entry", entry), *([("text", text)] if self.distinct else [])}
            if similarity < self.threshold or not fits or names & seen:
                continue
            seen |= names
            about = {k: v for k, v in metadata.items() if k not in ("chunk", "chunks")}
            found.append(Found(entry, similarity, text, about))
            if len(found) == wanted:
                break
        return found


def content_id(*parts: str) -> str:
    """Return the id of an entry with this content."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]


class VectorStore:
    """An open store; use it as a context manager.

    Embedded (a folder), one process owns it; others can still search. With a host set, a Chroma server holds it.
    Every method raises UnavailableError, in one sentence, when the disk or the server fails.
    """

    def __init__(self, settings: VectorDb, embedder: Callable[[], Embedder], *, writing: bool = True) -> None:
        """Open the store; `embedder` is called when the first text is embedded.

        Raises StoreBusy, InputError, UsageError or UnavailableError as `StoreHome` and `open_server` do.
        """
        self.settings = settings
        self.home: StoreHome | None = None
        self._server: ChromaIndex | None = None
        self._make_embedder = embedder
        self._embedder: Embedder | None = None
        self._checked: set[str] = set()
        if settings.host:
            self._server = open_server(settings.host, settings.port, settings.timeout)
        else:
            self.home = StoreHome(settings.persist_directory, writing=writing, wait=settings.lock_wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Release the store for others."""
        if self.home is not None:
            self.home.close()
        if self._server is not None:
            self._server.close()

    @property
    def where(self) -> str:
        """The folder or server that holds the store."""
        return str(self.home.folder) if self.home else f"{self.settings.host}:{self.settings.port}"

    @property
    def notes(self) -> Sequence[str]:
        """What was mended or given up while opening, as sentences for the user."""
        return self.home.notes if self.home else ()

    @property
    def embedder(self) -> Embedder:
        """The embedder of this store, made on first use."""
        if self._embedder is None:
            self._embedder = self._make_embedder()
        return self._embedder

    @property
    def ledger(self) -> Ledger | None:
        """Our account of the embedded store; None when a server holds it."""
        return self.home.ledger if self.home else None

    @property
    def index(self) -> ChromaIndex | None:
        """The open index; None for a reader while another process owns the store."""
        return self._server or (self.home.index if self.home else None)

    @property
    def account(self) -> Ledger | ChromaIndex:
        """What tells which pieces there are: the ledger of an embedded store, or the server itself."""
        return self.ledger or self.writable()

    def models(self) -> dict[str, tuple[str, int]]:
        """Return model id and dimension by collection."""
        return self.account.models()

    def count(self, collection: str) -> int:
        """Return the number of pieces in a collection, 0 when it does not exist."""
        return self.account.counts().get(collection, 0)

    def entries(self, collection: str) -> set[str]:
        """Return the ids of a collection's entries."""
        return self.account.entries(collection) if collection in self.models() else set()

    def ingest(
        self, collection: str, entries: Iterable[Entry], on_batch: Callable[[Sequence[Entry]], None] | None = None
    ) -> Ingested:
        """Write entries, embedding what is new; what is there with the same text and metadata stays untouched.

        `on_batch` is called with entries that are safely written: they survive the end of the process from then on.
        Raises UsageError when the collection was written with another model.
        """
        started = time.perf_counter()
        total = changed = pieces = 0
        with _disk(self.where):
            self._ready(collection)
            for batch in _batched({e.id: e for e in entries}.values()):
                written = self._write(collection, batch)
                total, changed, pieces = total + len(batch), changed + len(written), pieces + sum(written.values())
                if on_batch:
                    on_batch(batch)
        return Ingested(collection, total, changed, pieces, time.perf_counter() - started)

    def remove(self, collection: str, ids: Sequence[str]) -> None:
        """Remove entries by id; those that are not there are no error."""
        if collection not in self.models():
            return
        index = self.writable()
        with _disk(self.where):
            gone = self.account.ids(collection, ids)
            if self.ledger is not None:
                self.ledger.remove(collection, gone)
            index.delete(collection, gone)

    def drop(self, collection: str) -> None:
        """Remove a collection with all that is in it."""
        index = self.writable()
        with _disk(self.where):
            if self.ledger is not None:
                self.ledger.drop(collection)
            index.drop(collection)
        self._checked.discard(collection)

    def search(
        self,
        collection: str,
        query: str,
        top_k: int | None = None,
        where: Mapping[str, str] | None = None,
        threshold: float = 0.0,
        *,
        distinct: bool = True,
    ) -> list[Found]:
        """Return the entries closest to a query, best first: at most `top_k` (by default the setting `top_k_results`).

        `where` names metadata that must be equal; `distinct` returns only the closest of entries with the same text.
        A collection that does not exist is empty. Raises UsageError for an empty query and more than 10,000 results.
        """
        wanted = self.settings.top_k_results if top_k is None else top_k
        if not query.strip():
            raise UsageError("A search needs a query; this one is empty.")
        if not 1 <= wanted <= MAX_RESULTS:
            raise UsageError(f"A search returns 1 to {MAX_RESULTS} results, not {wanted}.")
        with _disk(self.where):
            if collection not in self.models():
                return []
            self._check_model(collection)
            vector = self.embedder.embed([query])[0]
            return self._search(collection, vector, wanted, _Fit(dict(where or {}), threshold, distinct))

    def _search(self, collection: str, vector: Vector, wanted: int, fit: _Fit) -> list[Found]:
        limit = min(wanted * (_WIDER_FILTERED if fit.where else _WIDER), MAX_RESULTS)
        nearest = self._nearest(collection, vector, limit, {})
        best = fit.best(self._rows(collection, nearest, wanted), wanted)
        if len(best) < wanted and len(nearest) == limit and nearest[-1][1] >= fit.threshold:
            # A filter inside the index is slow (0.3 s at 100,000 entries): only when the quick way fell short.
            nearest = self._nearest(collection, vector, MAX_RESULTS, fit.where)
            best = fit.best(self._rows(collection, nearest, wanted), wanted)
        return best

    def _nearest(self, collection: str, vector: Vector, limit: int, where: dict[str, str]) -> list[tuple[str, float]]:
        """Return the ids of the closest pieces with their cosines, best first; a reader's are not filtered."""
        if self.index is None:
            assert self.ledger is not None
            return self.ledger.nearest(collection, vector, None if where else limit)
        return self.index.nearest(collection, vector, limit, _filter(where))

    def _rows(self, collection: str, nearest: Sequence[tuple[str, float]], wanted: int) -> Iterator[tuple[Row, float]]:
        """Yield pieces in portions, since the first are often enough; the ledger is faster at this than the index."""
        size = max(_FEWEST, 2 * wanted)
        for start in range(0, len(nearest), size):
            some = nearest[start : start + size]
            rows = self.account.known(collection, [key for key, _ in some])
            yield from ((rows[key], cosine) for key, cosine in some if key in rows)

    def _write(self, collection: str, entries: Sequence[Entry]) -> dict[str, int]:
        """Write the new and changed ones of a batch and return the number of pieces of each by entry id."""
        index = self.writable()
        rows = {key: row for entry in entries for key, row in _rows(entry, self.settings.chunk_size)}
        known = self.account.known(collection, list(rows))
        changed = {row[0] for key, row in rows.items() if known.get(key) != row}
        new = {key: row for key, row in rows.items() if row[0] in changed}
        vectors = self.embedder.embed([text for _, text, _ in new.values()])
        made = [Piece(key, *row, vector) for (key, row), vector in zip(new.items(), vectors, strict=True)]
        stale = sorted(set(self.account.ids(collection, sorted(changed))) - set(rows))
        if self.ledger is not None:
            self.ledger.put(collection, made)
            self.ledger.remove(collection, stale)
        index.delete(collection, stale)
        index.upsert(collection, made, {key: about for key, (_, _, about) in known.items()})
        if self.ledger is not None:
            self.ledger.mark_indexed(collection, list(new))
        return Counter(entry for entry, _, _ in new.values())

    def writable(self) -> ChromaIndex:
        """Return the index for writing; a reader has none. Raises UsageError."""
        if self.index is None:
            raise UsageError("The vector store was opened for searching while another process owns it.")
        return self.index

    def _ready(self, collection: str) -> None:
        """Make a collection on its first use, and refuse to mix models."""
        if not _NAME.fullmatch(collection):
            raise UsageError(f"The collection name {collection!r} is not 3 to 100 letters, digits, dots, _ and -.")
        self._check_model(collection)
        if collection not in self.models():
            self.writable().create(collection, self.embedder.model_id, self.embedder.dimension)
            if self.ledger is not None:
                self.ledger.register(collection, self.embedder.model_id, self.embedder.dimension)

    def _check_model(self, collection: str) -> None:
        if collection in self._checked:
            return
        model, dimension = self.models().get(collection, (self.embedder.model_id, self.embedder.dimension))
        if (model, dimension) != (self.embedder.model_id, self.embedder.dimension):
            raise UsageError(
                f"The collection {collection} of {self.where} was written with the model {model}, and the setting "
                f"embedding_model now says {self.embedder.model_id}; set it back, or reset the store and ingest again."
            )
        self._checked.add(collection)


def _batched(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    rest = iter(entries)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _filter(where: dict[str, str]) -> dict[str, Any] | None:
    parts: list[dict[str, Any]] = [{key: value} for key, value in where.items()]
    return {"$and": parts} if len(parts) > 1 else (parts[0] if parts else None)


def _rows(entry: Entry, size: int) -> Iterator[tuple[str, Row]]:
    """Yield piece id, entry id, text and metadata of each chunk of an entry."""
    parts = chunks(entry.text, size)
    if len(parts) == 1:
        yield entry.id, (entry.id, parts[0], dict(entry.metadata))
        return
    for number, text in enumerate(parts):
        yield f"{entry.id}-{number}", (entry.id, text, {**entry.metadata, "chunk": number, "chunks": len(parts)})


@contextmanager
def _disk(where: str) -> Iterator[None]:
    try:
        yield
    except SqliteError as error:
        raise UnavailableError(f"The vector store at {where} cannot be written or read: {error}.") from error
