"""Small sets of texts that are searched by closeness: in the vector store, or by TF-IDF where there is none."""

from collections.abc import Mapping

from openstack_rca.errors import UnavailableError
from openstack_rca.retrieval.store import Entry, VectorStore
from openstack_rca.retrieval.tfidf import TfidfIndex


class StoreTexts:
    """Texts in a collection of the vector store, compared by meaning."""

    def __init__(self, store: VectorStore, collection: str) -> None:
        self._store = store
        self._collection = collection

    def renew(self, texts: Mapping[str, str]) -> None:
        """Make these the texts of the collection; a reader searches those that the store's owner wrote.

        Raises UnavailableError for a reader when some are not in the store.
        """
        known = self._store.entries(self._collection)
        if self._store.index is not None:
            self._store.ingest(self._collection, (Entry(key, text) for key, text in texts.items()))
            self._store.remove(self._collection, sorted(known - set(texts)))
        elif missing := len(texts.keys() - known):
            raise UnavailableError(
                f"{missing} of {len(texts)} texts are not in the vector store {self._store.where}, which cannot be "
                "written now."
            )

    def nearest(self, query: str, limit: int) -> list[tuple[str, float]]:
        """Return keys and cosines, best first; an empty query is close to nothing."""
        if not query.strip():
            return []
        found = self._store.search(self._collection, query, limit, distinct=False)
        return [(one.id, one.similarity) for one in found]


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
