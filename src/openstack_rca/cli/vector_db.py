"""`openstack-rca vector-db`: the store in which logs, incidents and known failures are searched by meaning."""

from datetime import datetime
from pathlib import Path

import click

from openstack_rca.cli import output
from openstack_rca.cli.asking import ask, yes_option
from openstack_rca.cli.logs import LEVELS
from openstack_rca.cli.options import PATH, debug_option
from openstack_rca.errors import CheckFailed


@click.group()
@debug_option
def vector_db() -> None:
    """The vector store: what logs have said, searched by meaning.

    It is the folder CHROMA_PERSIST_DIR (chroma_db), or the Chroma server at CHROMA_HOST and CHROMA_PORT.
    """


@vector_db.command()
@debug_option
def status() -> None:
    """Show where the store is, what it holds, and who is using it."""
    from openstack_rca.cli.store_lines import status_lines
    from openstack_rca.retrieval import upkeep
    from openstack_rca.settings import load_settings

    for line in status_lines(upkeep.status(load_settings().vector_db)):
        click.echo(line)


@vector_db.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=PATH)
@debug_option
def ingest(paths: tuple[Path, ...]) -> None:
    """Store what logs say: each template once per service, host and level, never every line."""
    from openstack_rca.cli.store_lines import stored_line
    from openstack_rca.pipeline import storing
    from openstack_rca.settings import load_settings

    with output.bars() as tell:
        stored = storing.ingest(paths, load_settings(), tell)
    output.notes(stored.notes)
    click.echo(stored_line(stored))


@vector_db.command()
@click.option("--query", required=True, metavar="TEXT", help="What to look for, in your words.")
@click.option("--service", help="Only this program, e.g. nova-compute.")
@click.option("--level", type=click.Choice(LEVELS, case_sensitive=False), metavar="LEVEL", help="Only this level.")
@click.option("--top-k", type=int, metavar="N", help="Results at most.  [default: the setting top_k_results, 10]")
@debug_option
def search(query: str, service: str | None, level: str | None, top_k: int | None) -> None:
    """Find what was said in stored logs by its meaning: similarity, who said it, how often, and the text."""
    from openstack_rca.cli.store_lines import found_line
    from openstack_rca.pipeline import storing
    from openstack_rca.settings import load_settings

    settings = load_settings()
    where = {key: value for key, value in (("service", service), ("level", level)) if value}
    collection = settings.vector_db.collection_name
    with storing.open_existing_store(settings, writing=False) as store:
        found = store.search(collection, query, top_k, where)
        output.notes(store.notes)
        if not found:
            what = "Nothing that fits these filters is" if where and store.count(collection) else "Nothing is"
            output.note(f"{what} in the collection {collection} of {store.where}.")
    for one in found:
        click.echo(found_line(one))


@vector_db.command()
@debug_option
def verify() -> None:
    """Read the whole store again and compare; repair what is wrong. Exit code 1 if something stays wrong."""
    from openstack_rca.cli.store_lines import check_line
    from openstack_rca.pipeline import storing
    from openstack_rca.retrieval import upkeep
    from openstack_rca.settings import load_settings

    with storing.open_existing_store(load_settings(), writing=True) as store:
        result, where = upkeep.verify(store), store.where
    output.notes(result.notes)
    for check in result.repaired:
        click.echo(f"before the repair: {check_line(check)}")
    for check in result.collections:
        click.echo(check_line(check))
    if not result.ok:
        raise CheckFailed(f"The vector store {where} is not as it was written; restore a backup, or reset and ingest.")
    click.echo(f"The vector store {where} is as it was written.")


@vector_db.command()
@click.argument("target", metavar="[FILE]", required=False, type=PATH)
@debug_option
def backup(target: Path | None) -> None:
    """Write the whole store to one file, by default named after the time, and check it."""
    from openstack_rca.cli.store_lines import pieces
    from openstack_rca.pipeline import storing
    from openstack_rca.retrieval import upkeep
    from openstack_rca.settings import load_settings

    if target:
        output.check_writable(target)
    path = target or Path(f"vector-db-{datetime.now():%Y%m%d-%H%M%S}.zip")
    with storing.open_existing_store(load_settings(), writing=False) as store:
        done = upkeep.backup(store, path)
        output.notes(store.notes)
        click.echo(
            f"Backup of {store.where}, {done.path} ({done.bytes:,} bytes), written and checked: {pieces(done.pieces)}."
        )


@vector_db.command()
@click.argument("source", metavar="FILE", type=PATH)
@yes_option
@debug_option
def restore(source: Path, yes: bool) -> None:
    """Put a backup in place of the store and verify it; what was in a folder is set aside, in a server it is lost."""
    from openstack_rca.cli.store_lines import pieces
    from openstack_rca.pipeline import storing
    from openstack_rca.retrieval import upkeep
    from openstack_rca.settings import load_settings

    with storing.open_store(load_settings(), writing=True) as store:
        if store.home is None:
            ask(f"Replace by {source} what is in {store.where}: {pieces(store.account.counts())}?", yes)
        done = upkeep.restore(store, source)
        where = store.where
    if not done.verification.ok:
        raise CheckFailed(f"{source} was restored to {where}, but the store is not as it was written; see verify.")
    aside = f"; what was there is in {done.set_aside}" if done.set_aside else ""
    click.echo(f"Restored to {where} and verified: {pieces(done.pieces)}{aside}.")


@vector_db.command()
@yes_option
@debug_option
def clear(yes: bool) -> None:
    """Remove the ingested logs; incidents and known failures stay. Asks first."""
    from openstack_rca.cli.store_lines import pieces
    from openstack_rca.pipeline import storing
    from openstack_rca.retrieval import upkeep
    from openstack_rca.settings import load_settings

    settings = load_settings()
    collection = settings.vector_db.collection_name
    with storing.open_existing_store(settings, writing=True) as store:
        ask(f"Remove from {store.where}: {pieces({collection: store.count(collection)})}?", yes)
        done = upkeep.clear(store)
    click.echo(f"Removed from {done.where}: {pieces(done.pieces)}.")


@vector_db.command()
@yes_option
@debug_option
def reset(yes: bool) -> None:
    """Remove everything from the store. Asks first."""
    from openstack_rca.cli.store_lines import pieces
    from openstack_rca.pipeline import storing
    from openstack_rca.retrieval import upkeep
    from openstack_rca.settings import load_settings

    with storing.open_existing_store(load_settings(), writing=True) as store:
        ask(f"Remove from {store.where}: {pieces(store.account.counts())}?", yes)
        done = upkeep.reset(store)
    click.echo(f"Removed from {done.where}: {pieces(done.pieces)}.")
