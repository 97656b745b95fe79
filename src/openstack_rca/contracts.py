"""The verbs: what each room can do for the pipeline, as Protocols."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from openstack_rca.records import SignatureHit, Skipped, Template


class RawFile(Protocol):
    """One log file, decompressed as it is read; members of archives are files too."""

    @property
    def name(self) -> str:
        """Path relative to what the user gave; archive members as `sos.tar.xz/var/log/nova/nova-api.log.1.gz`."""

    @property
    def modified(self) -> float | None:
        """Time of the last change in seconds since the epoch, to infer missing years; None when unknown."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the uncompressed content in blocks; may be called once per reading.

        Raises InputError when the content ends early or cannot be decompressed; what was yielded before stands.
        """


class LogSource(Protocol):
    """Where log files come from."""

    def files(self) -> Iterator[RawFile]:
        """Yield the files in the order in which they are to be read: rotated ones oldest first."""

    @property
    def skipped(self) -> Sequence[Skipped]:
        """What was left out while iterating, and why."""


class TemplateMiner(Protocol):
    """Gives each record the id of its template."""

    def assign(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return the table with its `template` column filled."""

    @property
    def templates(self) -> dict[str, Template]:
        """All templates seen so far, by id."""

    def save(self, path: Path) -> None:
        """Write the state as versioned JSON, atomically."""


class SignatureMatcher(Protocol):
    """Finds known failure texts."""

    def match(self, table: pl.DataFrame) -> list[SignatureHit]:
        """Return one hit per signature and host that occurs in the table."""


class Topology(Protocol):
    """Who is who in the cloud, and who needs whom."""

    def resolve(self, name: str | None) -> str | None:
        """Return the component behind a name that logs use for it; None for a name that nobody has."""

    def family(self, component: str) -> str:
        """Return the service of a report that a component belongs to: nova-compute is nova."""

    def depends(self, component: str, other: str) -> int | None:
        """Return in how many steps `component` needs `other` (1: calls it itself); None when it does not."""

    def is_infrastructure(self, component: str) -> bool:
        """Say whether a component is infrastructure that services stand on."""

    def is_shared(self, component: str) -> bool:
        """Say whether many services stand on a component: infrastructure, and what all of them need (keystone)."""

    def is_per_host(self, component: str) -> bool:
        """Say whether a component runs on many hosts, so that its host matters."""

    def is_local(self, component: str) -> bool:
        """Say whether who needs a component reaches it on its own host."""

    def runner(self, file: str) -> str | None:
        """Return the one program that runs the code of a file; None for code that several may run."""


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def model_id(self) -> str:
        """What made the vectors; vectors of different ids are never compared."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit row per text, in order: shape (len(texts), dimension)."""


class TextIndex(Protocol):
    """Texts by key, and which of them are close to a query: by meaning, or by shared words."""

    def renew(self, texts: Mapping[str, str]) -> None:
        """Make these the texts that are searched."""

    def nearest(self, query: str, limit: int) -> Sequence[tuple[str, float]]:
        """Return the keys of the closest texts with their similarities, 0 to 1, best first."""
