"""What an operator does with the store: status, verify, backup, restore, clear, reset."""

import hashlib
import json
import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from openstack_rca.errors import InputError, UnavailableError, UsageError
from openstack_rca.retrieval.aside import PREFIX, REPLACED
from openstack_rca.retrieval.chroma import IndexFailure, open_server
from openstack_rca.retrieval.ledger import FILE, SCHEMA, DamagedLedger, Ledger, Piece
from openstack_rca.retrieval.locks import Holder, StoreLock
from openstack_rca.retrieval.store import VectorStore
from openstack_rca.settings import VectorDb

_SAMPLE = 100  # pieces of a collection that verify searches for by their own vector and embeds again
_SAME = 0.999  # cosine from which two vectors of one text count as equal


@dataclass(frozen=True)
class CollectionStatus:
    """A collection: the model it is written with, its dimension, and how many pieces it holds."""

    name: str
    model: str
    dimension: int
    pieces: int


@dataclass(frozen=True)
class StoreStatus:
    """Where the store is, what is in it, its size on disk (0 for a server), who is using it, and what was set aside."""

    where: str
    exists: bool
    schema: int
    collections: tuple[CollectionStatus, ...]
    bytes: int = 0
    unfinished: int = 0
    in_use_by: Holder | None = None
    set_aside: tuple[Path, ...] = ()


@dataclass(frozen=True)
class CollectionCheck:
    """What verify read again of one collection; all but `pieces`, `searched` and `embedded` count wrong ones.

    `embedded` is 0 when the model that wrote the collection is not at hand.
    """

    name: str
    pieces: int
    missing: int = 0
    unexpected: int = 0
    different: int = 0
    searched: int = 0
    not_found: int = 0
    embedded: int = 0
    embeds_differently: int = 0

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong."""
        return not (self.missing or self.unexpected or self.different or self.not_found or self.embeds_differently)


@dataclass(frozen=True)
class Verification:
    """What verify found in the end, and what it had found before it repaired something, if it did."""

    ok: bool
    collections: tuple[CollectionCheck, ...]
    repaired: tuple[CollectionCheck, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Backup:
    """A backup file: where it is, how large, and how many pieces of each collection are in it."""

    path: Path
    bytes: int
    pieces: Mapping[str, int]


@dataclass(frozen=True)
class Restored:
    """What was restored from a backup and verified; `set_aside` is the folder with what was there before."""

    pieces: Mapping[str, int]
    verification: Verification
    set_aside: Path | None = None


@dataclass(frozen=True)
class Removed:
    """What clear or reset removed: pieces by collection, and from where."""

    where: str
    pieces: Mapping[str, int] = field(default_factory=dict)


def status(settings: VectorDb) -> StoreStatus:
    """Tell what is in the store without opening its index, so that it also works while another process owns it.

    Raises UnavailableError when a server does not answer or the folder cannot be read.
    """
    if settings.host:
        where = f"{settings.host}:{settings.port}"
        with closing(open_server(settings.host, settings.port, settings.timeout)) as index:
            return StoreStatus(where, True, SCHEMA, _collections(index.models(), index.counts()))
    folder = settings.persist_directory
    if not (folder / FILE).is_file():
        return StoreStatus(str(folder), False, SCHEMA, ())
    try:
        with closing(Ledger(folder / FILE, writing=False, check=False)) as ledger:
            return StoreStatus(
                str(folder),
                True,
                SCHEMA,
                _collections(ledger.models(), ledger.counts()),
                sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()),
                ledger.unfinished(),
                StoreLock(folder).held_by(),
                tuple(p for p in sorted(folder.iterdir()) if p.name.startswith((PREFIX, REPLACED))),
            )
    except (sqlite3.Error, OSError) as error:
        raise UnavailableError(f"The vector store at {folder} cannot be read: {_reason(error)}.") from error
    except DamagedLedger as damage:
        raise UnavailableError(
            f"The ledger of the vector store at {folder} is damaged ({damage}); verify repairs it."
        ) from damage


def verify(store: VectorStore) -> Verification:
    """Read all of the store again and compare; what is wrong is repaired from the ledger and checked once more.

    Compares counts, ids, texts, metadata and vectors with the ledger (of a server: with what it returns when asked in
    another way), searches for pieces by their own vector, and embeds a sample again. Raises UsageError for a reader.
    """
    store.writable()
    if store.home is not None:
        store.home.check_ledger()
    before = _check_all(store)
    if store.home is None or all(check.ok for check in before):
        return Verification(all(check.ok for check in before), before, notes=tuple(store.notes))
    wrong = tuple(check for check in before if not check.ok)
    if any(check.missing or check.unexpected or check.different or check.not_found for check in wrong):
        store.home.rebuild(", ".join(f"{check.name}: {_complaint(check)}" for check in wrong))
    after = _check_all(store)
    return Verification(all(check.ok for check in after), after, wrong, tuple(store.notes))


def backup(store: VectorStore, path: Path) -> Backup:
    """Write the whole content of the store to one file, checked after writing; an existing file is not replaced.

    Raises UsageError when the file exists and UnavailableError when it cannot be written.
    """
    if path.exists():
        raise UsageError(f"{path} exists already; a backup does not replace a file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as name:
            copy, packed = Path(name) / FILE, Path(name) / "packed"
            _copy(store, copy)
            with closing(Ledger(copy, writing=False)) as ledger:
                counts = ledger.counts()
            about = {"openstack_rca_backup": SCHEMA, "pieces": counts, "sha256": _sha256(copy)}
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("backup.json", json.dumps(about))
                archive.write(copy, FILE)
            _unpack(packed, Path(name))
            with packed.open("rb") as file:
                os.fsync(file.fileno())
            packed.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise UnavailableError(f"The backup cannot be written to {path}: {_reason(error)}.") from error
    return Backup(path, path.stat().st_size, counts)


def restore(store: VectorStore, path: Path) -> Restored:
    """Replace the content of the store by a backup's and verify it; the old content of a folder is set aside.

    Raises InputError when the file is no complete backup; the store is then as it was.
    """
    parent = store.home.folder if store.home else None
    try:
        with tempfile.TemporaryDirectory(dir=parent, prefix=".restore-") as name:
            unpacked = _unpack(path, Path(name))
            with closing(Ledger(unpacked, writing=False)) as ledger:
                counts = ledger.counts()
                if store.home is None:
                    _fill(store, ledger)
            aside = store.home.replace_ledger(unpacked) if store.home else None
    except (OSError, sqlite3.Error) as error:
        raise UnavailableError(f"The backup {path} cannot be restored: {_reason(error)}.") from error
    return Restored(counts, verify(store), aside)


def clear(store: VectorStore, collections: Sequence[str] | None = None) -> Removed:
    """Empty some collections, by default the one of ingested logs; they can be written with another model afterwards.

    Raises UsageError for a collection that does not exist.
    """
    names = [store.settings.collection_name] if collections is None else collections
    there = store.account.counts()
    for name in names:
        if name not in there:
            raise UsageError(f"The vector store has no collection {name!r}; it has {', '.join(there) or 'none'}.")
    for name in names:
        store.drop(name)
    return Removed(store.where, {name: there[name] for name in names})


def reset(store: VectorStore) -> Removed:
    """Remove everything from the store."""
    there = store.account.counts()
    if store.home is not None:
        store.home.wipe()
    else:
        for name in there:
            store.drop(name)
    return Removed(store.where, there)


def _check_all(store: VectorStore) -> tuple[CollectionCheck, ...]:
    try:
        return tuple(_check(store, name) for name in store.account.models())
    except IndexFailure as failure:
        if store.home is None:
            raise
        store.home.rebuild(str(failure.__cause__))
        return tuple(_check(store, name) for name in store.account.models())


def _check(store: VectorStore, name: str) -> CollectionCheck:
    index, account = store.writable(), store.account
    total = missing = different = 0
    sample: list[Piece] = []
    every = max(1, account.counts()[name] // _SAMPLE)
    for pieces in account.pieces(name):
        there = index.get(name, [p.id for p in pieces])
        missing += sum(p.id not in there for p in pieces)
        different += sum(p.id in there and not _equal(p, there[p.id]) for p in pieces)
        sample += [p for number, p in enumerate(pieces, total) if number % every == 0]
        total += len(pieces)
    not_found = sum(not _finds_itself(store, name, piece) for piece in sample)
    embedded, drifted = _embed_again(store, account.models()[name][0], sample)
    unexpected = max(0, index.counts()[name] - (total - missing))
    return CollectionCheck(name, total, missing, unexpected, different, len(sample), not_found, embedded, drifted)


def _embed_again(store: VectorStore, model: str, sample: Sequence[Piece]) -> tuple[int, int]:
    """Return how many pieces were embedded again, and how many vectors came out differently."""
    try:
        embedder = store.embedder
    except UnavailableError:  # the weights are not installed; the rest of the check needs none
        return 0, 0
    if embedder.model_id != model:
        return 0, 0
    again = embedder.embed([p.text for p in sample])
    drifted = sum(float(p.vector @ vector) < _SAME for p, vector in zip(sample, again, strict=True))
    return len(sample), drifted


def _equal(ours: Piece, theirs: Piece) -> bool:
    same = (ours.entry, ours.text, dict(ours.metadata)) == (theirs.entry, theirs.text, dict(theirs.metadata))
    return same and ours.vector.shape == theirs.vector.shape and float(ours.vector @ theirs.vector) >= _SAME


def _finds_itself(store: VectorStore, name: str, piece: Piece) -> bool:
    """Tell whether a search by a piece's own vector finds one that close (equal texts are)."""
    nearest = store.writable().nearest(name, piece.vector, 10)  # with 1 an approximate index may just miss it
    return bool(nearest) and nearest[0][1] >= _SAME


def _complaint(check: CollectionCheck) -> str:
    numbers = {
        "missing": check.missing,
        "unexpected": check.unexpected,
        "different": check.different,
        "not found by a search": check.not_found,
    }
    return ", ".join(f"{number} {what}" for what, number in numbers.items() if number)


def _collections(models: Mapping[str, tuple[str, int]], counts: Mapping[str, int]) -> tuple[CollectionStatus, ...]:
    return tuple(CollectionStatus(name, *models[name], counts[name]) for name in sorted(models))


def _copy(store: VectorStore, path: Path) -> None:
    """Write the content of the store as a ledger."""
    if store.ledger is not None:
        store.ledger.copy_to(path)
        return
    index = store.writable()
    with closing(Ledger(path, writing=True)) as ledger:
        for name, (model, dimension) in index.models().items():
            ledger.register(name, model, dimension)
            for pieces in index.pieces(name):
                ledger.put(name, pieces)
                ledger.mark_indexed(name, [p.id for p in pieces])


def _fill(store: VectorStore, ledger: Ledger) -> None:
    """Put a ledger's content in place of a server's."""
    index = store.writable()
    for name in index.models():
        index.drop(name)
    for name, (model, dimension) in ledger.models().items():
        index.create(name, model, dimension)
        for pieces in ledger.pieces(name):
            index.upsert(name, pieces)


def _unpack(path: Path, folder: Path) -> Path:
    """Unpack a backup's ledger into a folder after checking that the backup is whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read("backup.json"))
            if about["openstack_rca_backup"] != SCHEMA:
                raise InputError(f"The backup {path} has schema {about['openstack_rca_backup']}, not {SCHEMA}.")
            target = folder / "unpacked.sqlite3"
            with archive.open(FILE) as packed, target.open("wb") as out:
                while block := packed.read(1 << 20):
                    out.write(block)
        if _sha256(target) != about["sha256"]:
            raise InputError(f"The backup {path} is damaged: its content is not what was packed.")
        with closing(Ledger(target, writing=False)) as ledger:
            if ledger.counts() != about["pieces"]:
                raise InputError(f"The backup {path} is damaged: it does not hold the entries that it names.")
        return target
    except FileNotFoundError as error:
        raise InputError(f"The backup {path} does not exist.") from error
    except (IsADirectoryError, PermissionError) as error:
        raise InputError(f"The backup {path} cannot be read: {error.strerror}.") from error
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError, DamagedLedger) as error:
        raise InputError(f"{path} is no complete backup of a vector store: {error}.") from error


def _reason(error: OSError | sqlite3.Error) -> str:
    return getattr(error, "strerror", None) or str(error)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
