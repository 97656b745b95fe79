"""`openstack-rca train`: features, models, scores beside simple rules, and the vector store."""

from pathlib import Path

import click

from openstack_rca.cli import output
from openstack_rca.cli.options import PATH, debug_option
from openstack_rca.errors import UnavailableError, UsageError


@click.command()
@click.option("--logs", type=PATH, multiple=True, help="Logs to learn from; beside --cases, healthy ones. They are "
              "stored in the vector store too. May be repeated.  [default, without --cases: DATA_DIR, logs]")  # fmt: skip
@click.option("--cases", type=PATH, multiple=True, metavar="DIR", help="Folder of incidents with truth.yaml; may be "
              "repeated.")  # fmt: skip
@click.option("--epochs", type=click.IntRange(1, 1000), metavar="N", help="Passes over the data at most.  [default: "
              "the setting lstm.epochs, 25]")  # fmt: skip
@click.option("--batch-size", type=click.IntRange(1, 4096), metavar="N", help="Sequences learned from at once.  "
              "[default: the setting lstm.batch_size, 32]")  # fmt: skip
@click.option("--clean-vector-db", is_flag=True, help="Empty the collection of logs in the vector store before.")
@debug_option
def train(
    logs: tuple[Path, ...], cases: tuple[Path, ...], epochs: int | None, batch_size: int | None, clean_vector_db: bool
) -> None:
    """Train the learned classifier; the models go to MODELS_DIR (saved_models).

    Cases that are held back are only judged on, and the scores are those on them. An interrupted training goes on
    where it was when it is started again with the same data.

    \b
    openstack-rca train --cases examples/incidents
    openstack-rca train --logs /var/log/kolla --clean-vector-db
    """
    from openstack_rca.settings import load_settings

    settings = load_settings()
    if not logs and not cases:
        if not settings.data_dir.is_dir():
            raise UsageError(f"There is no folder {settings.data_dir} with logs; give --logs PATH or --cases DIR.")
        logs = (settings.data_dir,)

    from openstack_rca.classify.card import model_card
    from openstack_rca.cli.store_lines import pieces, stored_line
    from openstack_rca.cli.training_lines import result_lines
    from openstack_rca.pipeline import storing, training

    with output.bars() as tell:
        result = training.train(settings, logs, cases, epochs, batch_size, tell)
    output.notes(result.notes)
    for line in result_lines(result):
        click.echo(line)
    card = settings.models_dir / "model-card.md"
    output.write_file(card, model_card(result.facts, result.scores, result.reliability, {}, ships=False))
    click.echo(f"card      {card}")
    if clean_vector_db:
        removed = storing.clear_logs(settings)
        click.echo(f"store     removed from {removed.where}: {pieces(removed.pieces)}")
    if not logs:
        return
    try:
        with output.bars() as tell:
            stored = storing.ingest(logs, settings, tell)
    except UnavailableError as error:
        if settings.vector_db.host:
            raise
        output.notes([f"The logs are not in the vector store: {error}"])
        return
    output.notes(stored.notes)
    click.echo(f"store     {stored_line(stored)}")
