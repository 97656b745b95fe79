"""Vectors that were computed before, by model and content, in one SQLite file that outlives the process."""

import hashlib
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openstack_rca.retrieval.aside import move_aside

_SCHEMA = 1
_LIMIT = 200_000  # about 300 MB; the oldest leave first
_ASKED_AT_ONCE = 500  # older builds of SQLite take at most 999 variables in a statement

Vector = NDArray[np.float32]


class VectorCache:
    """Keeps vectors on disk; a cache that cannot be used only costs time, so it never fails: it leaves a note."""

    def __init__(self, path: Path, limit: int = _LIMIT) -> None:
        self.notes: list[str] = []
        self._path = path
        self._limit = limit
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = self._open()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def get(self, model: str, texts: Sequence[str]) -> dict[str, Vector]:
        """Return the known vectors by text."""
        by_key = {_key(model, text): text for text in texts}
        found: dict[str, Vector] = {}
        keys = list(by_key)
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            for key, blob in self._rows(keys[start : start + _ASKED_AT_ONCE]):
                found[by_key[key]] = np.frombuffer(blob, np.float32)
        return found

    def put(self, model: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors by text, in one transaction."""
        rows = [(_key(model, text), vector.astype(np.float32).tobytes()) for text, vector in vectors.items()]
        with self._lock:
            if self._db is None or not rows:
                return
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("INSERT OR REPLACE INTO vectors (key, vector) VALUES (?, ?)", rows)
                newest = self._db.execute("SELECT max(rowid) FROM vectors").fetchone()[0]
                self._db.execute("DELETE FROM vectors WHERE rowid <= ?", (newest - self._limit,))
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._give_up(error)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _open(self) -> sqlite3.Connection:
        try:
            return _connect(self._path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            return _connect(self._path)

    def _set_aside(self, error: sqlite3.Error) -> None:
        parts = [self._path.with_name(self._path.name + end) for end in ("", "-wal", "-shm")]
        aside = move_aside(parts, self._path.parent)
        self.notes.append(f"The vector cache was damaged ({error}); it was moved to {aside} and starts anew.")

    def _rows(self, keys: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        with self._lock:
            if self._db is None:
                return []
            marks = ",".join("?" * len(keys))
            try:
                return self._db.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", keys).fetchall()
            except sqlite3.Error as error:
                self._give_up(error)
                return []

    def _give_up(self, error: Exception) -> None:
        """Go on without the cache; a damaged file is set aside, so that the next process starts a sound one."""
        if self._db is not None:
            self._db.close()
            self._db = None
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            try:
                self._set_aside(error)
                return
            except OSError as failure:
                error = failure
        self.notes.append(f"The vector cache {self._path} is not used: {error}.")


def _connect(path: Path) -> sqlite3.Connection:
    """Open the file and make its table; raises sqlite3.DatabaseError when it is not a sound database."""
    db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        if db.execute("PRAGMA user_version").fetchone()[0] != _SCHEMA:
            db.execute("BEGIN IMMEDIATE")  # of two processes that start at once, the second finds it done
            db.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB UNIQUE NOT NULL, vector BLOB NOT NULL)")
            db.execute(f"PRAGMA user_version={_SCHEMA}")
            db.execute("COMMIT")
        db.execute("SELECT max(rowid) FROM vectors").fetchone()
    except sqlite3.Error:
        db.close()
        raise
    return db


def _key(model: str, text: str) -> bytes:
    return hashlib.sha256(f"{model}\0{text}".encode(errors="surrogatepass")).digest()
