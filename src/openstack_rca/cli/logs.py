"""`openstack-rca logs`: what was parsed, as lines or as an account of the reading."""

from pathlib import Path

import click

from openstack_rca.cli import output
from openstack_rca.cli.options import PATH, debug_option, timezone_option
from openstack_rca.errors import NothingToRead, UsageError

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=PATH)
@click.option("--stats", is_flag=True, help="Show what was recognised and what was skipped, by file and format.")
@click.option(
    "--view",
    type=click.Choice(["lines", "requests", "capacity", "audit"]),
    default="lines",
    show_default=True,
    help="What to show of the logs: lines; requests with hops, status and latency; claims and usage of memory, disk and"
    " vcpus; who called which API with which answer.",
)
@click.option("--service", help="Only this program (nova-compute) or all of one service (nova).")
@click.option(
    "--level",
    type=click.Choice(LEVELS, case_sensitive=False),
    metavar="LEVEL",
    help="Only this level (DEBUG to CRITICAL) and those above it.",
)
@click.option("--request-id", help="Only records with this request id, local or global.")
@click.option("--grep", metavar="REGEX", help="Only records whose message or traceback holds this.")
@timezone_option
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv", "parquet"]), default="table", show_default=True,
    help="A table to read, or all columns for programs.",
)  # fmt: skip
@debug_option
def logs(
    paths: tuple[Path, ...],
    stats: bool,
    view: str,
    service: str | None,
    level: str | None,
    request_id: str | None,
    grep: str | None,
    timezone: str | None,
    form: str,
) -> None:
    """Parse logs and show them, or what was recognised in them.

    \b
    openstack-rca logs sosreport.tar.xz --stats
    openstack-rca logs /var/log/nova --level ERROR --grep 'Timed out'
    openstack-rca logs /var/log/kolla --view requests --service nova
    """
    filtered = bool(service or level or request_id or grep or view != "lines")
    if stats and (filtered or form not in ("table", "json")):
        raise UsageError(
            "--stats is about all that was read, as table or json; leave filters, views and other formats out."
        )

    from openstack_rca.settings import load_settings

    settings = load_settings(timezone=timezone)

    from openstack_rca import pipeline
    from openstack_rca.cli.log_lines import choose, show
    from openstack_rca.cli.log_stats import show_stats

    with output.progress() as tell:
        tell("Parsing …")
        read = pipeline.read_logs(paths, settings, must_hold_records=not stats)
    if not stats:
        chosen = choose(read.table, service, level, request_id, grep)
        if view == "lines":
            show(chosen, form)
            return
        from openstack_rca.cli.log_views import show_view

        show_view(view, read.table, chosen, form)
        return
    show_stats(read, form)
    if read.table.is_empty():
        raise NothingToRead("No log record was recognised.")
