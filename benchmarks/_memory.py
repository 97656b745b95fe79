"""Memory of this process and all below it together, sampled while something runs (Linux only)."""

import os
import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

_PAUSE = 0.1


class PeakMemory:
    """Measures while its `with` block runs; `megabytes` is the largest sum of resident memory that was seen.

    Pages that processes share count for each of them, so the true peak is not larger.
    """

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._sampler.join()

    def _sample(self) -> None:
        while not self._done.wait(_PAUSE):
            self.megabytes = max(self.megabytes, _resident(os.getpid()) / 1024)


def _resident(process: int) -> int:
    """Return the resident memory of a process and of those below it in kB; 0 for one that has ended."""
    with suppress(OSError):
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
        children = [c for t in Path(f"/proc/{process}/task").iterdir() for c in (t / "children").read_text().split()]
        return (int(found[1]) if found else 0) + sum(_resident(int(child)) for child in children)
    return 0
