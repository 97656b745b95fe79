"""Prints how fast each kind of file is read, beside the library's one-shot call: MB of unpacked text a second."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import zstandard

from openstack_rca.sources import Limits, PathSource

SIZE = 40_000_000


def text(size: int, seed: int = 0) -> bytes:
    """Return log-like lines of about `size` bytes."""
    rng = random.Random(seed)
    lines: list[bytes] = []
    while size > 0:
        ids = f"req-{rng.getrandbits(128):032x} {rng.getrandbits(128):032x}"
        clock = f"2026-11-20 10:{len(lines) // 6000 % 60:02}:{len(lines) // 100 % 60:02}.{rng.randrange(1000):03}"
        line = f"{clock} 7 INFO nova.compute.manager [{ids}] Took {rng.random():.2f} seconds to build instance.\n"
        lines.append(line.encode())
        size -= len(line)
    return b"".join(lines)


def speed(read: Callable[[], int]) -> float:
    """Return MB a second, the best of three."""
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        best = max(best, read() / (time.perf_counter() - start) / 1e6)
    return best


def rotated(data: bytes) -> bytes:
    """Return a tar.gz of eight rotations, newest first, which is the worst order."""
    part, buffer = data[: len(data) // 8], io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=6) as archive:
        for number in range(8):
            info = tarfile.TarInfo(f"nova.log.{number}" if number else "nova.log")
            info.size = len(part)
            archive.addfile(info, io.BytesIO(part))
    return buffer.getvalue()


def main() -> None:
    """Write each kind of file, read it with both, print a line."""
    data, archive = text(SIZE), rotated(text(SIZE))
    small = Limits(window=2 << 20, held=8 << 20)
    rows: list[tuple[str, bytes, Limits, Callable[[bytes], bytes]]] = [
        ("plain", data, Limits(), bytes),
        (".gz", gzip.compress(data, 6), Limits(), gzip.decompress),
        (".zst", zstandard.compress(data), Limits(), zstandard.decompress),
        (".xz", lzma.compress(data, preset=1), Limits(), lzma.decompress),
        (".bz2", bz2.compress(data), Limits(), bz2.decompress),
        (".tar.gz", archive, Limits(), gzip.decompress),
        (".tar.gz, 2 MiB window, 8 MiB held", archive, small, gzip.decompress),
    ]
    print(f"{'kind':36}{'ours':>8}{'library':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for kind, packed, limits, library in rows:
            path = Path(folder) / "file"
            path.write_bytes(packed)
            source = PathSource([path], limits)
            ours = speed(lambda source=source: sum(len(c) for f in source.files() for c in f.chunks()))  # type: ignore[misc]
            theirs = speed(lambda library=library, packed=packed: len(library(packed)))  # type: ignore[misc]
            print(f"{kind:36}{ours:8.0f}{theirs:9.0f}")


if __name__ == "__main__":
    main()
