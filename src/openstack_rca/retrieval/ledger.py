"""Our own account of what the vector store holds: one SQLite file, written before the index.

It tells what an interrupted ingest left undone, rebuilds a broken index without loss, answers searches while another
process owns the index, and is what a backup consists of.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from openstack_rca.errors import UsageError

SCHEMA = 1
FILE = "ledger.sqlite3"

_T = TypeVar("_T")

Metadata = Mapping[str, str | int | float | bool]
Row = tuple[str, str, Metadata]
"""A piece without its vector: the entry that it is of, its text and its metadata."""


_TABLES = """
CREATE TABLE IF NOT EXISTS collections (name TEXT PRIMARY KEY, model TEXT NOT NULL, dimension INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS pieces (
    number INTEGER PRIMARY KEY, collection TEXT NOT NULL, id TEXT NOT NULL, entry TEXT NOT NULL, text TEXT NOT NULL,
    metadata TEXT NOT NULL, vector BLOB NOT NULL, indexed INTEGER NOT NULL, UNIQUE (collection, id));
CREATE INDEX IF NOT EXISTS by_entry ON pieces (collection, entry);
CREATE INDEX IF NOT EXISTS undone ON pieces (indexed) WHERE indexed = 0;
"""
_ROW = "entry, text, metadata"


class DamagedLedger(Exception):
    """The ledger is no sound database; whoever opens the store decides what becomes of it."""


@dataclass(frozen=True)
class Piece:
    """A text with its vector as it is stored; `entry` is the id of the entry that it is a chunk of."""

    id: str
    entry: str
    text: str
    metadata: Metadata
    vector: NDArray[np.float32]


class Ledger:
    """The account as a file; methods raise sqlite3.Error when the disk fails them."""

    def __init__(self, path: Path, *, writing: bool, check: bool = True) -> None:
        """Open the account, making it when writing; `check` reads all of it (1 s for 100,000 pieces).

        Raises DamagedLedger when it is no sound database and UsageError when another schema wrote it.
        """
        self._matrix: tuple[object, list[str], NDArray[np.float32]] | None = None
        try:
            self._db = _connect(path, writing, check)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise DamagedLedger(str(error)) from error

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def models(self) -> dict[str, tuple[str, int]]:
        """Return model id and dimension by collection."""
        return {name: (model, size) for name, model, size in self._db.execute("SELECT * FROM collections")}

    def register(self, collection: str, model: str, dimension: int) -> None:
        """Note which model a collection is written with."""
        self._db.execute("INSERT OR REPLACE INTO collections VALUES (?, ?, ?)", (collection, model, dimension))

    def counts(self) -> dict[str, int]:
        """Return the number of pieces by collection."""
        counted = dict(self._db.execute("SELECT collection, count(*) FROM pieces GROUP BY collection"))
        return {name: counted.get(name, 0) for name in self.models()}

    def unfinished(self) -> int:
        """Return how many pieces are written here and not yet in the index."""
        return int(self._db.execute("SELECT count(*) FROM pieces WHERE indexed = 0").fetchone()[0])

    def known(self, collection: str, ids: Sequence[str]) -> dict[str, Row]:
        """Return those of the pieces that are in the index, by id."""
        found: dict[str, Row] = {}
        for some in _portions(ids):
            query = f"SELECT id, {_ROW} FROM pieces WHERE collection = ? AND indexed = 1 AND id IN ({_marks(some)})"
            found |= {key: _row(row) for key, *row in self._db.execute(query, (collection, *some))}
        return found

    def put(self, collection: str, pieces: Sequence[Piece]) -> None:
        """Write pieces as not yet indexed, in one transaction."""
        rows = [
            (collection, p.id, p.entry, p.text, json.dumps(dict(p.metadata), sort_keys=True), p.vector.tobytes())
            for p in pieces
        ]
        self._many(
            "INSERT INTO pieces (collection, id, entry, text, metadata, vector, indexed) VALUES (?, ?, ?, ?, ?, ?, 0) "
            "ON CONFLICT (collection, id) DO UPDATE SET entry = excluded.entry, text = excluded.text, "
            "metadata = excluded.metadata, vector = excluded.vector, indexed = 0",
            rows,
        )

    def mark_indexed(self, collection: str, ids: Sequence[str]) -> None:
        """Note that pieces have reached the index."""
        self._many("UPDATE pieces SET indexed = 1 WHERE collection = ? AND id = ?", [(collection, i) for i in ids])

    def remove(self, collection: str, ids: Sequence[str]) -> None:
        """Forget pieces."""
        self._many("DELETE FROM pieces WHERE collection = ? AND id = ?", [(collection, i) for i in ids])

    def drop(self, collection: str) -> None:
        """Forget a collection with all that is in it."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM pieces WHERE collection = ?", (collection,))
        self._db.execute("DELETE FROM collections WHERE name = ?", (collection,))
        self._db.execute("COMMIT")

    def ids(self, collection: str, entries: Sequence[str] | None = None) -> list[str]:
        """Return the ids of a collection's pieces: of some entries, or of all."""
        if entries is None:
            return [row[0] for row in self._db.execute("SELECT id FROM pieces WHERE collection = ?", (collection,))]
        found: list[str] = []
        for some in _portions(entries):
            query = f"SELECT id FROM pieces WHERE collection = ? AND entry IN ({_marks(some)})"
            found += [row[0] for row in self._db.execute(query, (collection, *some))]
        return found

    def entries(self, collection: str) -> set[str]:
        """Return the ids of a collection's entries."""
        return {row[0] for row in self._db.execute("SELECT entry FROM pieces WHERE collection = ?", (collection,))}

    def pieces(self, collection: str, *, unfinished_only: bool = False, size: int = 1000) -> Iterator[list[Piece]]:
        """Yield the pieces of a collection in portions, in the order in which they were first written."""
        which = "collection = ? AND number > ?" + (" AND indexed = 0" if unfinished_only else "")
        query = f"SELECT number, id, {_ROW}, vector FROM pieces WHERE {which} ORDER BY number LIMIT ?"
        last = -1
        while rows := self._db.execute(query, (collection, last, size)).fetchall():
            last = rows[-1][0]
            yield [Piece(key, *_row(row), np.frombuffer(blob, np.float32)) for _, key, *row, blob in rows]

    def nearest(self, collection: str, vector: NDArray[np.float32], limit: int | None) -> list[tuple[str, float]]:
        """Return the ids of the pieces closest to a unit vector with their cosines: exact, by comparing all."""
        ids, matrix = self._vectors(collection)
        if not ids:
            return []
        cosines = matrix @ vector
        best = np.arange(len(ids)) if limit is None or limit >= len(ids) else np.argpartition(-cosines, limit)[:limit]
        best = best[np.argsort(-cosines[best], kind="stable")]
        return [(ids[i], float(cosines[i])) for i in best]

    def _vectors(self, collection: str) -> tuple[list[str], NDArray[np.float32]]:
        """Return all ids and vectors of a collection, read again only when somebody has written since."""
        version = (collection, self._db.execute("PRAGMA data_version").fetchone()[0], self._db.total_changes)
        if self._matrix is None or self._matrix[0] != version:
            query = "SELECT id, vector FROM pieces WHERE collection = ? AND indexed = 1 ORDER BY number"
            rows = self._db.execute(query, (collection,)).fetchall()
            flat = np.frombuffer(b"".join(blob for _, blob in rows), np.float32)
            self._matrix = version, [key for key, _ in rows], flat.reshape(len(rows), -1) if rows else flat
        return self._matrix[1:]

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy of the account, complete in one file."""
        with closing(sqlite3.connect(path)) as target:
            self._db.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")

    def _many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(statement, rows)
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _connect(path: Path, writing: bool, check: bool) -> sqlite3.Connection:
    if writing:
        return _prepared(str(path), path, writing=True, check=check)
    where = f"file:{quote(str(path))}?mode=ro"
    try:
        return _prepared(where, path, writing=False, check=check)
    except sqlite3.OperationalError:
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise
        # On a read-only disk SQLite cannot make the files that readers share, and needs none: nobody can write either.
        return _prepared(f"{where}&immutable=1", path, writing=False, check=check)


def _prepared(where: str, path: Path, *, writing: bool, check: bool) -> sqlite3.Connection:
    db = sqlite3.connect(where, uri=not writing, timeout=10.0, isolation_level=None, check_same_thread=False)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA):
            raise UsageError(
                f"The vector store {path.parent} has schema {version}; this version reads schema {SCHEMA}. Move it away, "
                "or choose another folder (persist_directory)."
            )
        if writing:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.executescript(_TABLES)
            db.execute(f"PRAGMA user_version={SCHEMA}")
        if check and (problem := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(problem)
    except (sqlite3.Error, UsageError):
        db.close()
        raise
    return db


def _row(row: Sequence[str]) -> Row:
    entry, text, metadata = row
    return entry, text, json.loads(metadata)


def _portions(items: Sequence[_T], size: int = 500) -> Iterator[Sequence[_T]]:
    """Yield the items in portions that fit into one statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _marks(items: Sequence[object]) -> str:
    return ",".join("?" * len(items))
