"""Stores on mounted disks, each in a process of its own: the index' threads hold its files until their process ends."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest

from openstack_rca.errors import UnavailableError, UsageError
from openstack_rca.retrieval import upkeep
from openstack_rca.retrieval.embeddings import MiniLmEmbedder, open_embedder
from openstack_rca.retrieval.store import Entry, VectorStore, content_id
from openstack_rca.settings import VectorDb

LOGS = "openstack_logs"
TEXTS = {
    "AMQP server on <ip>:<port> is unreachable: ECONNREFUSED. Trying again in <n> seconds.": "neutron-server",
    "Failed to write image data: No space left on device": "glance-api",
    "Instance failed to spawn": "nova-compute",
    "Took <n> seconds to build instance.": "nova-compute",
}


def entries() -> list[Entry]:
    return [
        Entry(
            content_id(text, service),
            text,
            {"service": service, "level": "ERROR" if "ed " in text else "INFO", "count": 3},
        )
        for text, service in TEXTS.items()
    ]


def reopened(settings: VectorDb, embedder: MiniLmEmbedder) -> VectorStore:
    return VectorStore(settings, lambda: embedder)


@contextmanager
def mounted(target: Path, *options: str) -> Iterator[None]:
    """Mount something for the time of a test; only root may, and not everywhere."""
    done = subprocess.run(["mount", *options, str(target)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(target)], check=True)


def in_a_process(function: Callable[..., None], *given: object) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(function, *given).result()


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder one that nobody here can write to."""
    if os.geteuid():
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    with mounted(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield


def search_and_back_up(settings: VectorDb, backup: Path) -> None:
    embedder = open_embedder(threads=1)
    with VectorStore(settings, lambda: embedder, writing=False) as reader:
        assert "cannot be locked" in reader.notes[0]
        assert "comes from the store's ledger" in reader.notes[0]
        assert reader.search(LOGS, "the disk is full", 1)[0].text.endswith("No space left on device")
        assert upkeep.backup(reader, backup).pieces == {LOGS: 4}
        with pytest.raises(UsageError, match="opened for searching"):
            reader.ingest(LOGS, entries())
    with pytest.raises(UnavailableError, match="cannot be locked"):
        reopened(settings, embedder)
    assert upkeep.status(settings).collections[0].pieces == 4


def fill_the_disk(settings: VectorDb) -> None:
    folder, embedder = settings.persist_directory, open_embedder(threads=1)
    with VectorStore(settings, lambda: embedder) as store:
        store.ingest(LOGS, entries())
    with (folder / "fill").open("wb", buffering=0) as fill, contextlib.suppress(OSError):
        while fill.write(b"x" * 1000):
            pass
    with pytest.raises(UnavailableError, match="No space left on device"):
        reopened(settings, embedder)
    with VectorStore(settings, lambda: embedder, writing=False) as reader:
        assert len(reader.search(LOGS, "the disk is full", 4)) == 4
        assert "No space left on device" in reader.notes[0]
    (folder / "fill").unlink()
    with reopened(settings, embedder) as store:
        assert upkeep.verify(store).ok
        assert store.ingest(LOGS, entries()).changed == 0
