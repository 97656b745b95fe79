"""Paths → the log table that a session looks at; equal content is read once, whoever asks for it."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from openstack_rca.contracts import RawFile
from openstack_rca.correlation import compare, onset, with_novelty
from openstack_rca.dashboard.work import Tell
from openstack_rca.errors import InputError, NothingToRead
from openstack_rca.parsing import LogParser
from openstack_rca.records import Logs
from openstack_rca.settings import Settings
from openstack_rca.sources import PathSource
from openstack_rca.templates import DrainMiner

_KEPT = 2
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Source:
    """What to read: a name for people, the paths, and the logs of a healthy time if there are any."""

    name: str
    paths: tuple[Path, ...]
    baseline: tuple[Path, ...] = ()
    issue: str = ""


@dataclass(frozen=True)
class Loaded:
    """Logs that were read: the table in order of time with templates and novelty, what changed, and since when."""

    key: str
    source: Source
    logs: Logs
    table: pl.DataFrame
    change: pl.DataFrame
    texts: dict[str, str]
    began: datetime | None
    worked: dict[str, Any] = field(default_factory=dict, compare=False)
    """What pages have made of this content, by name, so that it is made once."""


class _Shelf:
    """The last few loaded logs by the hash of their content; safe to use from several sessions at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Loaded] = OrderedDict()

    def get(self, key: str) -> Loaded | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, loaded: Loaded) -> None:
        with self._lock:
            self._kept[loaded.key] = loaded
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)


SHELF = _Shelf()


def load(source: Source, settings: Settings, tell: Tell) -> Loaded:
    """Return the logs of a source, ready to be looked at.

    Raises InputError and NothingToRead as reading does, Stopped when the user stops it.
    """
    key = content_key(source, settings, tell)
    if found := SHELF.get(key):
        return replace(found, source=source)
    logs = _read(source.paths, settings, tell, "reading")
    baseline = _read(source.baseline, settings, tell, "reading the healthy logs").table if source.baseline else None
    tell("finding templates")
    miner = DrainMiner()
    both = miner.assign(pl.concat([baseline, logs.table]) if baseline is not None else logs.table)
    table = both.tail(logs.table.height)
    tell("comparing")
    change = compare(table, both.head(both.height - table.height) if baseline is not None else None)
    table = with_novelty(table, change).sort("time", maintain_order=True, nulls_last=True)
    texts = {t.id: t.text for t in miner.templates.values()}
    account = Logs(table.head(0), logs.files, logs.skipped)
    loaded = Loaded(key, source, account, table, change, texts, onset(table))
    SHELF.put(loaded)
    return loaded


def content_key(source: Source, settings: Settings, tell: Tell) -> str:
    """Return a hash of the content and the names of all files of a source, and of what decides how they are read."""
    digest = hashlib.blake2b(settings.timezone.encode(), digest_size=16)
    for part in (source.paths, source.baseline):
        digest.update(b"\0part")
        for name, path in sorted((str(file.relative_to(given)), file) for given in part for file in _files(given)):
            tell("looking at the files")
            digest.update(f"\0{name}\0".encode(errors="surrogateescape"))
            try:
                with path.open("rb") as file:
                    while block := file.read(_BLOCK):
                        digest.update(block)
            except OSError as error:
                raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file())
    elif path.exists():
        yield path
    else:
        raise InputError(f"There is no {path}.")


@dataclass(frozen=True)
class _Told:
    """A file that tells how far reading is, and ends it when the user wants that."""

    file: RawFile
    tell: Tell
    stage: str

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def modified(self) -> float | None:
        return self.file.modified

    def chunks(self) -> Iterator[bytes]:
        for chunk in self.file.chunks():
            self.tell(self.stage)
            yield chunk


def _read(paths: Sequence[Path], settings: Settings, tell: Tell, stage: str) -> Logs:
    """Read as `pipeline.read_logs` does, telling of it file by file."""
    source = PathSource(paths)
    told = (_Told(file, tell, f"{stage} {file.name}") for file in source.files())
    logs = LogParser(timezone=settings.timezone).parse(told)
    if logs.table.is_empty():
        raise NothingToRead("No log record was recognised in what was given.")
    return Logs(logs.table, logs.files, (*logs.skipped, *source.skipped))
