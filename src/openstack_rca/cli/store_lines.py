"""What the vector store answers, as lines to read."""

from collections.abc import Iterator, Mapping

from openstack_rca.cli import output
from openstack_rca.pipeline.storing import Stored
from openstack_rca.reporting.plain import counted, plain
from openstack_rca.retrieval.store import Found
from openstack_rca.retrieval.upkeep import CollectionCheck, StoreStatus


def pieces(by_collection: Mapping[str, int]) -> str:
    """Return how many pieces of which collections, as the end of a sentence."""
    held = [f"{counted(number, 'piece')} of the collection {name}" for name, number in by_collection.items()]
    return ", ".join(held) or "nothing"


def status_lines(status: StoreStatus) -> Iterator[str]:
    """Yield the state of the store, one fact a line."""
    if not status.exists:
        yield f"There is no vector store at {status.where}; 'openstack-rca vector-db ingest PATH' makes one."
        return
    size = f", {status.bytes / 1e6:.1f} MB" if status.bytes else ""
    yield f"store       {status.where}, schema {status.schema}{size}"
    for c in status.collections:
        yield f"collection  {c.name}: {counted(c.pieces, 'piece')}, model {c.model}, dimension {c.dimension}"
    if not status.collections:
        yield "collection  none yet"
    if status.unfinished:
        yield f"unfinished  {counted(status.unfinished, 'piece')} of an interrupted write; the next command finishes it"
    if status.in_use_by:
        yield f"in use      by {plain(str(status.in_use_by))}"
    for folder in status.set_aside:
        yield f"set aside   {folder}"


def stored_line(stored: Stored) -> str:
    """Return in one sentence what was read and what was written where."""
    done, logs = stored.ingested, stored.logs
    read = f"{counted(logs.lines, 'line')} in {counted(len(logs.files), 'file')}"
    skipped = f" ({counted(sum(s.lines for s in logs.skipped), 'line')} skipped)" if logs.skipped else ""
    return (
        f"{read}{skipped} are {counted(done.entries, 'template')} by service, host and level: {done.changed:,} new or "
        f"changed, written to the collection {done.collection} of {stored.where} in {done.seconds:.1f} s."
    )


def found_line(found: Found) -> str:
    """Return a result as one line: similarity, service, host, level, count, text."""
    about = found.metadata
    who = " ".join(plain(str(about[key])) for key in ("service", "host", "level") if key in about)
    count = about.get("count", 1)
    return output.fitted(f"{found.similarity:.2f}  {who} ×{count:,}  ", found.text)


def check_line(check: CollectionCheck) -> str:
    """Return what was read again of a collection, and what is wrong with it."""
    wrong = {
        "missing": check.missing,
        "unexpected": check.unexpected,
        "different": check.different,
        "not found by their own vector": check.not_found,
        "embedded differently": check.embeds_differently,
    }
    found = ", ".join(f"{number:,} {what}" for what, number in wrong.items() if number) or "nothing wrong"
    looked = f"{counted(check.pieces, 'piece')} read again, {check.searched:,} searched, {check.embedded:,} embedded"
    return f"{check.name}: {looked}: {found}"
