from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from openstack_rca.parsing import LogParser
from openstack_rca.records import Logs

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
REQ = "req-afe5d6ec-aa90-4152-927b-015b338a9e18"
VM = "9dc2081f-e3e8-4eb8-bfcc-969d4244a0e6"
CTX = f"[None {REQ} u1 p1 - - default default]"


@dataclass(frozen=True)
class Memory:
    content: bytes
    name: str = "nova/nova-compute.log"
    modified: float | None = None
    size: int = 1 << 16

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.content), self.size):
            yield self.content[start : start + self.size]


def parse(*texts: str | Memory, timezone: str = "UTC", name: str = "nova/nova-compute.log") -> Logs:
    files = [text if isinstance(text, Memory) else Memory(text.encode(), name) for text in texts]
    return LogParser(timezone, NOW).parse(files)


def rows(*texts: str | Memory, timezone: str = "UTC", name: str = "nova/nova-compute.log") -> list[dict]:
    return parse(*texts, timezone=timezone, name=name).table.to_dicts()


def row(text: str, **where: str) -> dict:
    found = rows(text, **where)
    assert len(found) == 1, found
    return found[0]


def accounted(logs: Logs) -> bool:
    skipped = sum(s.lines for s in logs.skipped)
    return int(logs.table["lines"].sum()) + skipped == logs.lines


def same(left: pl.DataFrame, right: pl.DataFrame) -> bool:
    return left.drop("record").to_dicts() == right.drop("record").to_dicts()
