"""Formats prove themselves: each sample line must come out as the format says."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import platformdirs

import openstack_rca
from openstack_rca.contracts import RawFile
from openstack_rca.errors import KnowledgeError
from openstack_rca.parsing.formats import Format
from openstack_rca.records import Logs

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""The clock by which the samples' missing years are inferred."""


@dataclass(frozen=True)
class Sample:
    """One sample as a file of its own."""

    name: str
    text: str
    modified: float | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the line."""
        yield self.text.encode() + b"\n"


Parse = Callable[[Iterable[RawFile]], Logs]


def check_once(formats: tuple[Format, ...], parse: Parse) -> None:
    """Check the samples unless these very formats were found right before on this machine.

    Raises KnowledgeError that lists every failure.
    """
    state = hashlib.sha256(repr((openstack_rca.__version__, formats)).encode()).hexdigest()
    seal = platformdirs.user_cache_path("openstack-rca") / f"formats-{state[:32]}"
    if seal.exists():
        return
    check(formats, parse)
    try:
        seal.parent.mkdir(parents=True, exist_ok=True)
        seal.touch()
    except OSError:
        return  # without a cache they are checked at every start


def check(formats: Sequence[Format], parse: Parse) -> None:
    """Check every sample of the formats.

    Raises KnowledgeError that lists every failure.
    """
    wrong = failures(formats, parse(sample_files(formats)))
    if wrong:
        raise KnowledgeError(f"Log formats contradict their samples: {'; '.join(wrong)}.")


def sample_files(formats: Iterable[Format]) -> list[Sample]:
    """Return one file for each sample of the formats."""
    return [
        Sample(f"{f.id}-{n}", s["line"] if "line" in f.place else f"Nov 22 09:00:00 host-1 program[1]: {s['line']}")
        for f in formats
        for n, s in enumerate(f.samples)
    ]


def failures(formats: Sequence[Format], logs: Logs) -> list[str]:
    """Return one sentence for everything in which the samples did not come out as expected."""
    rows = {row["file"]: row for row in logs.table.iter_rows(named=True)}
    wrong = []
    for fmt in formats:
        for n, sample in enumerate(fmt.samples):
            row = rows.get(f"{fmt.id}-{n}")
            if row is None:
                wrong.append(f"{fmt.id}: sample {n} is not recognised")
                continue
            expected = sample.get("expect", {})
            got = {name: _shown(row[name]) for name in expected}
            wrong.extend(
                f"{fmt.id}: sample {n} gives {name} {got[name]!r} instead of {value!r}"
                for name, value in expected.items()
                if got[name] != (datetime.fromisoformat(value).isoformat() if name == "time" and value else value)
            )
            if not fmt.inner and row["format"] != fmt.id:
                wrong.append(f"{fmt.id}: sample {n} is taken for {row['format']}")
    return wrong


def _shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
