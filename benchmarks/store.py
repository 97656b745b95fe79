"""The vector store: latency, opening, disk, ingest of a million lines, and kill -9 in the middle; issue 4."""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from openstack_rca.parsing import LogParser
from openstack_rca.records import LOG_SCHEMA
from openstack_rca.retrieval import upkeep
from openstack_rca.retrieval.embeddings import MiniLmEmbedder, open_embedder
from openstack_rca.retrieval.entries import log_entries
from openstack_rca.retrieval.locks import StoreBusy
from openstack_rca.retrieval.store import Entry, VectorStore
from openstack_rca.retrieval.weights import prepare
from openstack_rca.settings import VectorDb
from openstack_rca.sources import PathSource
from openstack_rca.templates import DrainMiner

LOGS = "openstack_logs"
QUERIES = ("the disk of the image store is full", "rabbitmq is unreachable", "no valid host", "volume stuck creating")


class SpreadEmbedder:
    """Vectors as crowded as those of real templates, without computing a hundred thousand: a real one and noise."""

    model_id, dimension = "benchmark", 384

    def __init__(self, centres: NDArray[np.float32]) -> None:
        self._centres = centres

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit rows that depend on the text alone."""
        rows = []
        for text in texts:
            draw = np.random.default_rng(int.from_bytes(sha256(text.encode()).digest()[:8]))
            row = self._centres[draw.integers(len(self._centres))] + draw.normal(0, 0.03, self.dimension)
            rows.append(row / np.linalg.norm(row))
        return np.array(rows, np.float32).reshape(len(texts), self.dimension)


class RealQueries(SpreadEmbedder):
    """Embeds queries with the real model, so that its time counts."""

    def __init__(self) -> None:
        self._real = MiniLmEmbedder(prepare())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the real vectors of the texts."""
        return self._real.embed(texts)


def main(argv: Sequence[str] | None = None) -> None:
    """Run all parts or the one that was named."""
    parts: dict[str, Callable[[argparse.Namespace, Path], None]] = {
        "search": search,
        "disk": disk,
        "million": million,
        "kill": kill,
        "two": two,
    }
    parser = argparse.ArgumentParser(prog="scripts/bench store", description=__doc__)
    parser.add_argument("part", nargs="?", choices=["all", *parts, "write"], default="all")
    parser.add_argument("folder", nargs="?", type=Path, help="only for the part write, which the part kill starts")
    parser.add_argument("--logs", type=Path, default=Path("examples/incidents"))
    parser.add_argument("--loghub", type=Path, default=Path("../shared/data/loghub-openstack-2k"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args(argv)
    if options.part == "write":
        write(options.folder)
        return
    for name, part in parts.items():
        if options.part in ("all", name):
            with tempfile.TemporaryDirectory() as folder:
                part(options, Path(folder))


def search(options: argparse.Namespace, folder: Path) -> None:
    """Print the latency of searches and the time to open the store, by number of entries."""
    started = time.perf_counter()
    import chromadb  # noqa: F401

    print(f"import chromadb: {time.perf_counter() - started:.2f} s, once in a process")
    for size in options.sizes:
        settings = VectorDb(persist_directory=folder / str(size))
        with VectorStore(settings, spread) as store:
            done = store.ingest(LOGS, made_up(size))
        started = time.perf_counter()
        store = VectorStore(settings, RealQueries)
        opened = time.perf_counter() - started
        size_mb = upkeep.status(settings).bytes / 1e6
        print(f"{size:7} entries: {done.pieces / done.seconds:.0f}/s, {size_mb:.0f} MB, opened in {opened:.2f} s")
        with store, VectorStore(settings, RealQueries, writing=False) as reader:
            reader.search(LOGS, "warm up")
            print(
                f"        search, p50/p95 ms: {latency(store)}, with a filter {latency(store, service='nova-compute')}"
            )
            print(f"        search beside a writer, p50/p95 ms: {latency(reader)}")


def latency(store: VectorStore, **where: str) -> str:
    """Return median and 95th percentile of whole searches, each with a new query that has to be embedded."""
    return percentiles(lambda n: store.search(LOGS, f"{QUERIES[n % len(QUERIES)]} {n}", 10, where))


def percentiles(call: Callable[[int], object], times: int = 200) -> str:
    """Return median and 95th percentile of a call in milliseconds."""
    took = []
    for number in range(times):
        started = time.perf_counter()
        call(number)
        took.append((time.perf_counter() - started) * 1000)
    return f"{np.percentile(took, 50):.1f}/{np.percentile(took, 95):.1f}"


def disk(options: argparse.Namespace, folder: Path) -> None:
    """Print what LogHub's 2,000 lines take on disk."""
    files = sorted(options.loghub.glob("*.log"))
    if not files:
        print(f"disk: not measured, no log in {options.loghub} (name its folder with --loghub)")
        return
    settings = VectorDb(persist_directory=folder / "store")
    with VectorStore(settings, open_embedder) as store:
        done = store.ingest(LOGS, entries_of(files[:1]))
    print(f"disk: {files[0].name}: {done.entries} entries, {upkeep.status(settings).bytes / 1e6:.2f} MB")


def million(options: argparse.Namespace, folder: Path) -> None:
    """Print how long a million lines take from the table to the store, with an empty vector cache."""
    table = LogParser().parse(PathSource(sorted(options.logs.glob("*/logs"))).files()).table
    copies = -(-options.lines // len(table))
    table = pl.concat([table.cast(LOG_SCHEMA)] * copies).head(options.lines)
    marks = [time.perf_counter()]
    miner = DrainMiner()
    table = miner.assign(table)
    marks.append(time.perf_counter())
    entries = log_entries(table, miner.templates)
    marks.append(time.perf_counter())
    with VectorStore(VectorDb(persist_directory=folder / "store"), lambda: open_embedder(cache=folder)) as store:
        done = store.ingest(LOGS, entries)
    marks.append(time.perf_counter())
    mined, grouped, written = np.diff(marks)
    print(
        f"{len(table)} lines, {len({e.text for e in entries})} templates, {done.entries} entries: "
        f"templates {mined:.1f} s, entries {grouped:.1f} s, embedding and writing {written:.1f} s"
    )


def kill(options: argparse.Namespace, folder: Path) -> None:
    """Kill a writer at random moments and check what it had acknowledged."""
    draw = random.Random(options.seed)
    lost = repaired = acknowledged = 0
    settings = VectorDb(persist_directory=folder / "store")
    for number in range(options.kills):
        child = subprocess.Popen(writer(settings.persist_directory, number), stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        time.sleep(draw.uniform(0, 1.5))
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.readlines()
        child.wait()
        ids = [i for line in lines if line.endswith("\n") for i in json.loads(line)]
        with VectorStore(settings, spread) as store:
            checked = upkeep.verify(store)
            there = store.writable().get(LOGS, ids)
            for note in checked.notes:
                print(f"  kill {number + 1}: {note}")
        repaired += bool(checked.notes)
        acknowledged += len(ids)
        lost += len(set(ids) - set(there))
        if not checked.ok:
            print(f"  kill {number + 1}: verify failed: {checked}")
    print(f"kill -9: {options.kills} times, {acknowledged} entries acknowledged, {lost} lost, {repaired} repairs")
    if lost:
        sys.exit(1)


def two(options: argparse.Namespace, folder: Path) -> None:
    """Start two writers at once and print what the second is told."""
    settings = VectorDb(persist_directory=folder / "store", lock_wait=0.5)
    with subprocess.Popen(writer(settings.persist_directory), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            VectorStore(settings, spread).close()
            print("two writers: both were let in, which must not be")
            sys.exit(1)
        except StoreBusy as busy:
            print(f"two writers: {busy}")
        child.kill()


def writer(folder: Path, number: int = 0) -> list[str]:
    """Return the command of a process that writes until it is killed, printing the ids that are safe."""
    return [sys.executable, "-m", "benchmarks.store", "write", str(folder), "--seed", str(number)]


def write(folder: Path) -> None:
    """Write batches for ever; after each, print the ids that the store acknowledged."""
    with VectorStore(VectorDb(persist_directory=folder), spread) as store:
        for start in range(0, 10_000_000, 200):
            batch = list(made_up(200, f"{time.time_ns()} {start}"))
            store.ingest(LOGS, batch, lambda done: print(json.dumps([e.id for e in done]), flush=True))


def made_up(size: int, salt: str = "") -> Iterator[Entry]:
    """Yield entries of distinct texts over ten services."""
    services = ("nova-compute", *(f"service-{n}" for n in range(9)))
    for number in range(size):
        text = f"message {salt} {number} of a benchmark"
        yield Entry(sha256(text.encode()).hexdigest()[:32], text, {"service": services[number % 10], "level": "INFO"})


def entries_of(paths: Sequence[Path]) -> list[Entry]:
    """Return the entries of logs."""
    miner = DrainMiner()
    table = miner.assign(LogParser().parse(PathSource(paths).files()).table)
    return log_entries(table, miner.templates)


def spread() -> SpreadEmbedder:
    """Return the benchmark's embedder around some directions drawn at random."""
    centres = np.random.default_rng(0).normal(size=(150, 384)).astype(np.float32)
    return SpreadEmbedder(centres / np.linalg.norm(centres, axis=1, keepdims=True))


if __name__ == "__main__":
    main()
