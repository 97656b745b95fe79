"""One process owns the store at a time: a lock that the system releases when its holder dies, and says who holds it."""

import json
import os
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from openstack_rca.errors import RcaError, UnavailableError
from openstack_rca.writing import write_whole


@dataclass(frozen=True)
class Holder:
    """The process that holds the lock: its id, machine, command line, and since when (UTC)."""

    pid: int
    host: str
    command: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} ({self.command}), since {self.since}"


class StoreBusy(RcaError):
    """Another process owns the store."""


class StoreLock:
    """The exclusive right to open the store of a folder.

    The lock is flock's: the kernel drops it with the process, even at kill -9. Who holds it stands in a file beside
    it, which may be stale and is only believed while the lock is held.
    """

    def __init__(self, folder: Path) -> None:
        from filelock import FileLock

        self._lock = FileLock(folder / "writer.lock")
        self._holder = folder / "writer.json"

    def acquire(self, wait: float) -> None:
        """Take the lock, waiting at most `wait` seconds.

        Raises StoreBusy naming the holder, and UnavailableError when the folder cannot be written.
        """
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=wait)
        except Timeout as error:
            who = self.holder() or "another process"
            raise StoreBusy(f"The vector store is in use by {who}; try again when it is done.") from error
        except (OSError, NotImplementedError) as error:
            raise UnavailableError(
                f"The vector store at {self._holder.parent} cannot be locked: {_reason(error)}."
            ) from error
        me = Holder(os.getpid(), socket.gethostname(), _command(), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        try:
            write_whole(self._holder, json.dumps(me.__dict__).encode())
        except OSError as error:
            self._lock.release()
            raise UnavailableError(
                f"The vector store at {self._holder.parent} cannot be written: {_reason(error)}."
            ) from error

    def release(self) -> None:
        """Give the lock back; may be called again."""
        self._lock.release()

    def held_by(self) -> Holder | None:
        """Return who holds the lock right now; None when nobody does."""
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return self.holder()
        except OSError:
            return None
        self._lock.release()
        return None

    def holder(self) -> Holder | None:
        """Return who took the lock last; None when that is not known."""
        try:
            return Holder(**json.loads(self._holder.read_text()))
        except (OSError, ValueError, TypeError):
            return None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name or "python", *sys.argv[1:3]])[:80]
