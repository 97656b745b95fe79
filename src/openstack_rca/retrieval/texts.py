"""Small sets of texts that are searched by closeness: in the vector store, or by TF-IDF where there is none."""

from collections.abc import Mapping

from openstack_rca.retrieval.store import Entry, Found, VectorStore
from openstack_rca.retrieval.tfidf import TfidfIndex


class StoreTexts:
    """Texts in a collection of the vector store, compared by meaning."""

    def __init__(self, store: VectorStore, collection: str) -> None:
        self._store = store
        self._collection = collection

    def renew(self, texts: Mapping[str, str]) -> None:
        """Make these the texts of the collection; a reader searches those that the store's owner wrote."""
        if self._store.index is None:
            return
        self._store.ingest(self._collection, (Entry(key, text) for key, text in texts.items()))
        self._store.remove(self._collection, sorted(self._store.entries(self._collection) - set(texts)))

    def nearest(self, query: str, limit: int) -> list[tuple[str, float]]:
        """Return keys and cosines, best first; an empty query is close to nothing."""
        if not query.strip():
            return []
        return [(found.id, found.similarity) for found in self._found(query, limit)]

    def _found(self, query: str, limit: int) -> list[Found]:
        return self._store.search(self._collection, query, limit, distinct=False)


class TfidfTexts:
    """Texts in memory, compared by the words they share."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._index = TfidfIndex([])

    def renew(self, texts: Mapping[str, str]) -> None:
        """Make these the texts."""
        self._keys, self._index = list(texts), TfidfIndex(list(texts.values()))

    def nearest(self, query: str, limit: int) -> list[tuple[str, float]]:
        """Return keys and cosines above 0, best first."""
        ranked = sorted(zip(self._keys, self._index.scores(query).tolist(), strict=True), key=lambda item: -item[1])
        return [(key, score) for key, score in ranked[:limit] if score > 0]
