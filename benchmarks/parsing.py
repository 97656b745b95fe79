"""Lines a second through the parser, beside the bare `findall` of its commonest expression on the same text."""

import random
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass

from openstack_rca.parsing import LogParser
from openstack_rca.parsing.formats import load_formats

LINES = 400_000
FILES = 400


@dataclass(frozen=True)
class Memory:
    """A log file that is already in memory."""

    name: str
    content: bytes
    modified: float | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the whole content."""
        yield self.content


def oslo(lines: int, seed: int = 7) -> bytes:
    """Return lines of a nova-compute at INFO and DEBUG, with a traceback every 500 lines."""
    rng = random.Random(seed)
    requests = [f"req-{rng.getrandbits(128):032x}" for _ in range(lines // 20)]
    requests = [f"{r[:12]}-{r[12:16]}-{r[16:20]}-{r[20:24]}-{r[24:]}" for r in requests]
    out: list[str] = []
    while len(out) < lines:
        second, request = divmod(len(out), 50)[0], rng.choice(requests)
        clock = f"{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{rng.randrange(1000):03d}"
        at = f"2026-11-22 {clock} 7"
        context, vm = f"[None {request} {'a' * 32} {'b' * 32} - - default default]", request[4:]
        if len(out) % 500 == 0:
            head = f"{at} ERROR nova.compute.manager"
            out.append(f"{head} {context} [instance: {vm}] Instance failed to spawn: ValueError: no")
            out.append(f"{head} [instance: {vm}] Traceback (most recent call last):")
            out += [f'{head} [instance: {vm}]   File "/usr/lib/python3/x.py", line {n}, in f' for n in range(20)]
            out.append(f"{head} [instance: {vm}] ValueError: no")
        elif rng.random() < 0.5:
            suffix = "inner /usr/lib/python3/dist-packages/oslo_concurrency/lockutils.py:282"
            out.append(f'{at} DEBUG oslo_concurrency.lockutils {context} Lock "compute_resources" released {suffix}')
        else:
            out.append(f"{at} INFO nova.compute.manager {context} [instance: {vm}] VM Started (Lifecycle Event)")
    return "\n".join([*out[:lines], ""]).encode()


def measure(label: str, files: list[Memory]) -> None:
    """Parse the files and print lines a second of processor time, beside the bare expression."""
    finder = load_formats()[0].finder
    parser = LogParser()
    start = time.process_time()
    for file in files:
        finder.findall(file.content.decode())
    bare = time.process_time() - start
    start = time.process_time()
    logs = parser.parse(files)
    spent = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    size = sum(len(file.content) for file in files) / 1e6
    print(
        f"{label:24s} {logs.lines:8,d} lines {size:5.0f} MB  parser {logs.lines / spent:9,.0f}/s"
        f"  findall alone {logs.lines / bare:9,.0f}/s  ratio {spent / bare:4.1f}  {memory} MB"
    )


def main() -> None:
    """Print all figures."""
    measure("one file", [Memory("nova-compute.log", oslo(LINES))])
    small = [Memory(f"{n}/nova-compute.log", oslo(LINES // FILES, n)) for n in range(FILES)]
    measure(f"{FILES} small files", small)
    syslog = oslo(LINES // 4).replace(b"\n2026", b"\nNov 22 09:00:00 compute-1 nova-compute[7]: 2026")
    measure("the same in syslog", [Memory("syslog", syslog)])


if __name__ == "__main__":
    main()
