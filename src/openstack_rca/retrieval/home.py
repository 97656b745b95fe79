"""The folder of the embedded store: who may open it, whether it is sound, and how a broken one is made whole."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from sqlite3 import Error as SqliteError
from typing import Any

from openstack_rca.errors import InputError, UnavailableError
from openstack_rca.retrieval.aside import PREFIX, REPLACED, move_aside
from openstack_rca.retrieval.chroma import ChromaIndex, IndexFailure, open_embedded
from openstack_rca.retrieval.ledger import FILE, DamagedLedger, Ledger
from openstack_rca.retrieval.locks import StoreBusy, StoreLock
from openstack_rca.writing import write_whole

_INDEX = "chroma.sqlite3"
_STATE = "state.json"
_OURS = (FILE, f"{FILE}-wal", f"{FILE}-shm")
_KEPT = ("writer.lock", "writer.json", _STATE, *_OURS)
_PROBE_SECONDS = 120.0


class StoreHome:
    """An opened folder: the ledger, and the index when this process owns the store (`index` is None for readers)."""

    def __init__(self, folder: Path, *, writing: bool, wait: float) -> None:
        """Open the folder, making and mending it as needed; `notes` say what was mended.

        A reader that finds the store owned by another process, or in a place that cannot be written, reads the ledger.
        Raises StoreBusy for a writer whose `wait` seconds are over, InputError when the folder holds a store that is
        not ours, UnavailableError when it cannot be written.
        """
        self.folder = folder
        self.notes: list[str] = []
        self.index: ChromaIndex | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(f"The vector store cannot be made at {folder}: {error.strerror}.") from error
        self._lock = StoreLock(folder)
        try:
            self._lock.acquire(wait if writing else 0.0)
            self._own()
        except BaseException as error:
            self._release()
            if writing or not isinstance(error, StoreBusy | UnavailableError) or not (folder / FILE).is_file():
                raise
            why = str(error).replace("; try again when it is done", "")
            self.notes.append(f"{why} What is read here comes from the store's ledger.")
            self.ledger = self._read_only()

    def close(self) -> None:
        """Release everything; a store that was left sound is remembered as such."""
        self.ledger.close()
        if self.index is not None:
            self.index.close()
            self.index = None
            with suppress(UnavailableError):  # on a full disk: then the next opening checks the store
                self._write_state(clean=True)
        self._lock.release()

    def rebuild(self, why: str) -> None:
        """Move the index aside and make a new one from the ledger, without computing a vector again."""
        if self.index is not None:
            self.index.close()
        aside = move_aside(self._index_files(), self.folder)
        self.index = open_embedded(self.folder)
        written = 0
        for name, (model, dimension) in self.ledger.models().items():
            self.index.create(name, model, dimension)
            for pieces in self.ledger.pieces(name):
                self.index.upsert(name, pieces)
                self.ledger.mark_indexed(name, [p.id for p in pieces])
                written += len(pieces)
        self.notes.append(
            f"The vector index was broken ({why}); it was moved to {aside} and rebuilt with {written} entries."
        )

    def check_ledger(self) -> None:
        """Read all of the ledger; a damaged one is moved aside and written anew from the index."""
        self.ledger.close()
        damage = self._open_ledger(check=True)
        if damage:
            self._refill(damage)

    def wipe(self) -> None:
        """Delete ledger and index and start empty; only what is ours is deleted."""
        assert self.index is not None
        self.index.close()
        self.ledger.close()
        aside = move_aside([*self._index_files(), *(self.folder / name for name in _OURS)], self.folder)
        shutil.rmtree(aside)
        self.ledger = Ledger(self.folder / FILE, writing=True)
        self.index = open_embedded(self.folder)

    def replace_ledger(self, path: Path) -> Path:
        """Put another ledger in place of this one, with a new index made from it; return where the old ones went."""
        assert self.index is not None
        self.index.close()
        self.ledger.close()
        aside = move_aside([*self._index_files(), *(self.folder / n for n in _OURS)], self.folder, prefix=REPLACED)
        path.replace(self.folder / FILE)
        self.ledger = Ledger(self.folder / FILE, writing=True)
        self.index = open_embedded(self.folder)
        for name, (model, dimension) in self.ledger.models().items():
            self.index.create(name, model, dimension)
            for pieces in self.ledger.pieces(name):
                self.index.upsert(name, pieces)
        return aside

    def _reconcile(self, *, count: bool) -> int:
        """Finish in the index what the ledger has and return how many pieces were written or removed.

        Counting the index costs 0.3 s at 100,000 pieces, so a store that was left clean is opened without.
        """
        assert self.index is not None
        known = self.index.models()
        changed = 0
        for name, (model, dimension) in self.ledger.models().items():
            if name not in known:
                self.index.create(name, model, dimension)
            for pieces in self.ledger.pieces(name, unfinished_only=True):
                self.index.delete(name, [p.id for p in pieces])
                self.index.upsert(name, pieces)
                self.ledger.mark_indexed(name, [p.id for p in pieces])
                changed += len(pieces)
        there = self.index.counts() if count else self.ledger.counts()
        for name, expected in self.ledger.counts().items():
            if there[name] != expected:
                changed += self._align(name)
        return changed

    def _align(self, name: str) -> int:
        assert self.index is not None
        there = {p.id for pieces in self.index.pieces(name) for p in pieces}
        extra = there - set(self.ledger.ids(name))
        self.index.delete(name, sorted(extra))
        written = 0
        for pieces in self.ledger.pieces(name):
            missing = [p for p in pieces if p.id not in there]
            self.index.upsert(name, missing)
            written += len(missing)
        return written + len(extra)

    def _own(self) -> None:
        if (self.folder / _INDEX).exists() and not any((self.folder / name).exists() for name in (FILE, _STATE)):
            raise InputError(
                f"{self.folder} holds a Chroma store that OpenStack RCA did not make; choose another folder "
                "(persist_directory) or move it away."
            )
        clean = self._was_left_clean()
        damage = self._open_ledger(check=not clean)
        try:
            self._open_index(clean, damage)
        except BaseException:
            self.ledger.close()
            raise

    def _open_index(self, clean: bool, damage: str | None) -> None:
        why = None if clean else self._torn(damage) or self._probe()
        if why is None:
            try:
                self.index = open_embedded(self.folder)
                if damage:
                    self._refill(damage)
                self._write_state(clean=False)
                mended = self._reconcile(count=not clean)
                if mended:
                    self.notes.append(f"{mended} entries that an interrupted write had left undone were finished.")
                return
            except IndexFailure as failure:
                why = str(failure.__cause__)
        self._write_state(clean=False, sound=False)
        self.rebuild(why)

    def _open_ledger(self, *, check: bool) -> str | None:
        """Open the ledger; a damaged one is moved aside, and what was wrong with it returned."""
        path = self.folder / FILE
        lost = (self.folder / _INDEX).exists() and not path.exists()
        try:
            self.ledger = Ledger(path, writing=True, check=check)
            return "The store's ledger was missing; it was" if lost else None
        except DamagedLedger as damage:
            aside = move_aside([self.folder / name for name in _OURS], self.folder)
            self.ledger = Ledger(path, writing=True)
            return f"The store's ledger was damaged ({damage}); it was moved to {aside} and"
        except SqliteError as error:
            raise UnavailableError(f"The vector store at {self.folder} cannot be written: {error}.") from error

    def _refill(self, damage: str) -> None:
        """Write the ledger anew from what the index holds."""
        assert self.index is not None
        count = 0
        for name, (model, dimension) in self.index.models().items():
            self.ledger.register(name, model, dimension)
            for pieces in self.index.pieces(name):
                self.ledger.put(name, pieces)
                self.ledger.mark_indexed(name, [p.id for p in pieces])
                count += len(pieces)
        self.notes.append(f"{damage} rebuilt from the index with {count} entries.")

    def _read_only(self) -> Ledger:
        try:
            return Ledger(self.folder / FILE, writing=False, check=False)
        except (DamagedLedger, SqliteError) as error:
            raise UnavailableError(f"The vector store at {self.folder} cannot be read: {error}.") from error

    def _torn(self, damage: str | None) -> str | None:
        """Return what is wrong when the vectors were being written as their writer died, and the ledger can tell them.

        ChromaDB writes them in place, some thousand entries at a time: half of them new, half old, they may be read well
        a hundred times and then crash the reader. The rest of the index is a database, which survives that.
        """
        if damage or not (self.folder / _INDEX).exists() or self._state().get("vectors") == self._vectors():
            return None
        return "it was not closed after it had written vectors"

    def _vectors(self) -> dict[str, list[int]]:
        """Return size and time of the last change of the files that hold vectors."""
        files = (p for p in _below(self._index_files()) if p.parent != self.folder)
        return {str(p.relative_to(self.folder)): [p.stat().st_size, p.stat().st_mtime_ns] for p in files}

    def _probe(self) -> str | None:
        """Open the index in another process, because a damaged one can crash its reader; return what is wrong."""
        if not (self.folder / _INDEX).exists():
            return None
        command = [sys.executable, "-m", "openstack_rca.retrieval.probe", str(self.folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return "it does not answer"
        if done.returncode == 0:
            return None
        said = done.stderr.strip().splitlines()
        return said[-1] if said and done.returncode > 0 else f"reading it crashes with signal {-done.returncode}"

    def _was_left_clean(self) -> bool:
        state = self._state()
        try:
            return bool(state.get("clean")) and state.get("files") == self._sizes()
        except OSError:
            return False

    def _state(self) -> dict[str, Any]:
        try:
            state = json.loads((self.folder / _STATE).read_text())
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write_state(self, *, clean: bool, sound: bool = True) -> None:
        """Note how the store is: left clean, or being used; `sound` says that its vectors are whole as they are now."""
        state = {
            "clean": clean,
            "files": self._sizes() if clean else {},
            "vectors": self._vectors() if sound else {},
        }
        try:
            write_whole(self.folder / _STATE, json.dumps(state).encode())
        except OSError as error:
            raise UnavailableError(f"The vector store at {self.folder} cannot be written: {error.strerror}.") from error

    def _sizes(self) -> dict[str, int]:
        files = [*_below(self._index_files()), self.folder / FILE]
        return {str(p.relative_to(self.folder)): p.stat().st_size for p in files}

    def _index_files(self) -> list[Path]:
        ours = (PREFIX, REPLACED, ".")
        return [p for p in sorted(self.folder.iterdir()) if p.name not in _KEPT and not p.name.startswith(ours)]

    def _release(self) -> None:
        if self.index is not None:
            self.index.close()
            self.index = None
        self._lock.release()


def _below(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (p for p in sorted(path.rglob("*")) if p.is_file())
        else:
            yield path
